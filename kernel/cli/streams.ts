/** How a streaming verb shows its items: line by line, as a table that is replaced or comes in parts, or as a file. */
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

/** The parts of one table, each as it comes: in JSON and YAML one document with all items; `endless`: each item by itself. */
export async function printParts(io: Io, events: Events, cli: CliSpec, printing: Printing, endless: boolean): Promise<void> {
  if (isTable(printing.output)) return await printRows(io, events, cli, printing);
  if (endless) return await printLines(io, eachOf(events), cli, printing);
  if (!['json', 'yaml'].includes(printing.output)) {
    const items = await Array.fromAsync(itemsOf(eachOf(events), io));
    return io.out(renderOne({ items }, printing.output, () => ''));
  }
  const json = printing.output === 'json';
  let any = false;
  for await (const item of itemsOf(eachOf(events), io)) {
    if (json) io.out(`${any ? ',' : '{"items": ['}\n${JSON.stringify(item)}`);
    else io.out(`${any ? '' : 'items:\n'}${toYaml([item])}`);
    any = true;
  }
  if (json) io.out(any ? '\n]}\n' : '{"items": []}\n');
  else if (!any) io.out('items: []\n');
}

/** Columns are as wide as the first part needs. */
async function printRows(io: Io, events: Events, { columns }: CliSpec, { output, headers = true }: Printing): Promise<void> {
  const { titles, cells } = tableColumns(columns, output);
  let table: Table | undefined;
  const print = (rows: readonly string[][]): void => {
    if (table === undefined && headers) io.out(new Table(titles, rows).head());
    table ??= new Table(titles, rows);
    for (const row of rows) io.out(table.row(row));
  };
  for await (const part of itemsOf(events, io)) print((part as { readonly items: readonly unknown[] }).items.map(cells));
  if (table === undefined) print([]);
}

/** The items of all parts. */
async function* eachOf(events: Events): AsyncGenerator<ServerEvent> {
  for await (const event of events) {
    const { items } = event.data as { readonly items?: readonly unknown[] };
    if (items === undefined) yield event;
    else for (const data of items) yield { ...event, data };
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
