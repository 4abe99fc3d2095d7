/** How a streaming verb shows its items: line by line, as a table that is replaced, or as a file. */
import { closeSync, openSync, writeSync } from 'node:fs';
import type { CliSpec } from '../contract/system/index.ts';
import { isTable, type Printing, render, renderOne, tableColumns } from './answers.ts';
import type { ServerEvent } from './client.ts';
import { failure } from './errors.ts';
import type { Io } from './io.ts';
import { Table, toYaml } from './output.ts';

type Events = AsyncIterable<ServerEvent>;

/** Cursor to the top left, everything behind it erased (ECMA-48 CUP, ED). */
const clear = '\u001b[H\u001b[2J';

/** Items until the server says that there are no more, or the user interrupts. */
async function* itemsOf(events: Events, io: Io): AsyncGenerator<unknown> {
  try {
    for await (const { event, data } of events) {
      if (event === 'end') return;
      yield data;
    }
  } catch (thrown) {
    if (!io.signal.aborted) throw thrown;
  }
}

/** One line for each item as it comes. */
export async function printLines(io: Io, events: Events, cli: CliSpec, printing: Printing): Promise<void> {
  const { output, headers = true } = printing;
  const { titles, cells } = tableColumns(cli.columns, output);
  const table = new Table(titles);
  if (isTable(output) && headers) io.out(table.head());
  for await (const item of itemsOf(events, io)) {
    if (isTable(output)) io.out(table.row(cells(item)));
    else if (output === 'json') io.out(`${JSON.stringify(item)}\n`);
    else io.out(output === 'yaml' ? `---\n${toYaml(item)}` : renderOne(item, output, () => ''));
  }
}

/** Whole tables: each in place of the one before on a terminal, else the first only. */
export async function printTables(io: Io, events: Events, { columns }: CliSpec, printing: Printing): Promise<void> {
  for await (const item of itemsOf(events, io)) {
    const { items } = item as { readonly items: readonly unknown[] };
    const text = render({ whole: item, items, columns }, printing);
    if (!io.terminal || !isTable(printing.output)) return io.out(text);
    io.out(clear + text);
  }
}

/** Parts of a file, whole ones only: an interrupted file is as good as a shorter one. */
export async function writeParts(io: Io, events: Events, path: string): Promise<void> {
  let file: number | undefined;
  let bytes = 0;
  try {
    for await (const part of itemsOf(events, io)) {
      // Not before the first part: what is refused leaves a file that is there alone.
      file ??= opened(path);
      bytes += writeAll(file, Buffer.from(String(part), 'base64'));
    }
  } finally {
    if (file !== undefined) closeSync(file);
  }
  io.err(`${bytes} bytes written to ${path}\n`);
}

function writeAll(file: number, part: Buffer): number {
  for (let at = 0; at < part.length; ) at += writeSync(file, part, at);
  return part.length;
}

function opened(path: string): number {
  try {
    return openSync(path, 'w');
  } catch (thrown) {
    throw failure((thrown as Error).message.replace(/,.*/, ''), path, 'name a file that you may write');
  }
}
