/** `weft backup`: everything that Weft knows, as it is at one moment, in one file. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import type { Command } from 'commander';
import { failure } from '../errors.ts';
import type { Session } from '../session.ts';

export function addBackup(program: Command, session: Session): void {
  program
    .command('backup')
    .description('write all objects, their history and the settings of plugins into one file; Weft goes on meanwhile')
    .option('-w, --write <file>', 'name of the file; default: weft-TIME.backup')
    .option('--with-key', 'put the key of secrets in it, too: who has the file can then read them')
    .action(async (options: { write?: string; withKey?: boolean }) => {
      const time = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
      const file = options.write ?? `weft-${time}.backup`;
      const path = `/v1/backup${options.withKey === true ? '?withKey=true' : ''}`;
      const bytes = await writeWhole(file, session.client.bytes(path, { about: 'backup', signal: session.io.signal }));
      session.io.err(`${bytes} bytes written to ${file}\n`);
      if (options.withKey !== true) session.io.err('the key of secrets is not in it: keep a copy of secret.key, or use --with-key\n');
    });
}

/** A file is there whole or not at all, and only its owner reads it. */
async function writeWhole(file: string, parts: AsyncIterable<Buffer>): Promise<number> {
  const there = statSync(file, { throwIfNoEntry: false });
  // it would be replaced: a device like any file
  if (there !== undefined && !there.isFile()) throw failure('this is no ordinary file', file, 'name a file that you may write');
  const draft = `${file}.part`;
  let descriptor: number | undefined;
  let bytes = 0;
  try {
    for await (const part of parts) {
      descriptor ??= opened(draft);
      for (let at = 0; at < part.length; ) at += writeSync(descriptor, part, at);
      bytes += part.length;
    }
    if (descriptor === undefined) throw failure('the API sent nothing', file, 'try again');
    fsyncSync(descriptor);
    renameSync(draft, file);
    return bytes;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
    rmSync(draft, { force: true });
  }
}

function opened(path: string): number {
  try {
    // one that an earlier run left may have another mode
    rmSync(path, { force: true });
    return openSync(path, 'wx', 0o600);
  } catch (thrown) {
    throw failure((thrown as Error).message.replace(/,.*/, ''), path, 'name a file that you may write');
  }
}
