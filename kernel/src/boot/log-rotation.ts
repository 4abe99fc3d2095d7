/**
 * Keeps logs small. Processes write to descriptors that they inherited and cannot open anew, and nobody is stopped for it: the head of a log is
 * copied to `<name>.log.1` and then cut off in place, which moves the rest to the front while it is being appended to. No line is lost. Where the
 * file system cannot do that (ext4 and xfs can), the log is emptied right after the copy, and a line written in between is lost. As long as
 * `<name>.log.new` is there, the head may be found in both: who reads waits for it to go.
 */
import { execFile } from 'node:child_process';
import { existsSync, ftruncateSync, readdirSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const intervalMs = 1_000;
const chunkBytes = 1024 * 1024;
const newline = 10;

export interface RotationOptions {
  readonly dir: string;
  /** A log that is larger is cut. */
  readonly maxBytes: number;
  /** Of each process, the one that is written to among them. */
  readonly files: number;
  /** One line about what went wrong or was not kept. */
  readonly say: (line: string) => void;
}

export class LogRotation {
  readonly #options: RotationOptions;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  /** Logs that could not be cut the last time: that is said once. */
  readonly #uncut = new Set<string>();

  constructor(options: RotationOptions) {
    this.#options = options;
  }

  /** Looks at all logs of the folder from now on. */
  open(): void {
    this.#timer = setTimeout(() => {
      this.check()
        .catch((thrown: Error) => this.#options.say(`logs could not be cut: ${thrown.message}`))
        .finally(() => {
          if (!this.#closed) this.open();
        });
    }, intervalMs);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** Cuts those that are too large. */
  async check(): Promise<void> {
    const { dir } = this.#options;
    for (const name of readdirSync(dir)) {
      if (!name.endsWith('.log')) continue;
      const path = join(dir, name);
      try {
        await this.#cut(path);
        this.#uncut.delete(path);
      } catch (thrown) {
        if (!this.#uncut.has(path)) this.#options.say(`${path} could not be cut and grows on: ${(thrown as Error).message}`);
        this.#uncut.add(path);
      }
    }
  }

  async #cut(path: string): Promise<void> {
    const { maxBytes, files } = this.#options;
    const older = files - 1;
    const log = await open(path, 'r+');
    try {
      // Left by a launcher that died between the copy and the names.
      if (existsSync(draftOf(path))) this.#shift(path);
      const { size } = await log.stat();
      const heads = Math.floor(size / maxBytes);
      if (heads > older) await this.#drop(path, log, (heads - older) * maxBytes);
      // Where the file system cannot take a head out, all of it goes with the first.
      for (let left = Math.min(heads, older); left > 0 && (await log.stat()).size >= maxBytes; left -= 1) await this.#moveHead(path, log);
    } finally {
      await log.close();
    }
  }

  /** Written faster than it can be kept: what would be deleted at once is not copied first. */
  async #drop(path: string, log: FileHandle, bytes: number): Promise<void> {
    this.#options.say(`${path}: ${Math.round(bytes / chunkBytes)} MiB were written within moments and are not kept`);
    const head = await endOfLines(log, bytes);
    if (!(await collapse(path, log, head))) ftruncateSync(log.fd, 0);
  }

  async #moveHead(path: string, log: FileHandle): Promise<void> {
    const head = await endOfLines(log, this.#options.maxBytes);
    const { mode, uid, gid } = await log.stat();
    const draft = await open(draftOf(path), 'w', mode & 0o777);
    try {
      await draft.chown(uid, gid);
      await copy(log, draft, head);
      if (!(await collapse(path, log, head))) moveRest(log.fd, draft.fd, head);
    } catch (thrown) {
      // The log is as it was, as on a full disk: half a copy is no older file.
      rmSync(draftOf(path), { force: true });
      throw thrown;
    } finally {
      await draft.close();
    }
    this.#shift(path);
  }

  /** `.log.new` becomes `.log.1`, that `.log.2`, and so on; the oldest goes. */
  #shift(path: string): void {
    for (let age = this.#options.files - 1; age > 1; age -= 1) {
      const younger = `${path}.${age - 1}`;
      if (existsSync(younger)) renameSync(younger, `${path}.${age}`);
    }
    renameSync(draftOf(path), `${path}.1`);
  }
}

function draftOf(path: string): string {
  return `${path}.new`;
}

/** Length of the whole lines within the first bytes; all of them when there is no end of a line. */
async function endOfLines(log: FileHandle, bytes: number): Promise<number> {
  const chunk = Buffer.alloc(Math.min(bytes, chunkBytes));
  await log.read(chunk, 0, chunk.length, bytes - chunk.length);
  const last = chunk.lastIndexOf(newline);
  return last < 0 ? bytes : bytes - chunk.length + last + 1;
}

async function copy(from: FileHandle, to: FileHandle, bytes: number): Promise<void> {
  const chunk = Buffer.alloc(chunkBytes);
  for (let at = 0; at < bytes; ) {
    const { bytesRead } = await from.read(chunk, 0, Math.min(chunkBytes, bytes - at), at);
    if (bytesRead === 0) return;
    await to.write(chunk, 0, bytesRead, at);
    at += bytesRead;
  }
}

/**
 * Takes the first bytes out of the file, while others append to it: whole blocks by fallocate(1), the rest becomes one blank line.
 * @returns false when the file system cannot
 */
async function collapse(path: string, log: FileHandle, head: number): Promise<boolean> {
  const { blksize } = await log.stat();
  const blocks = Math.floor((head - 1) / blksize) * blksize;
  try {
    if (blocks > 0) await run('fallocate', ['--collapse-range', '--offset', '0', '--length', `${blocks}`, path]);
  } catch {
    return false;
  }
  const blank = Buffer.alloc(head - blocks, ' ');
  blank[blank.length - 1] = newline;
  await log.write(blank, 0, blank.length, 0);
  return true;
}

/** What stands behind `at` is appended, and the log emptied, with as little time in between as there can be. */
function moveRest(log: number, draft: number, at: number): void {
  const chunk = Buffer.alloc(chunkBytes);
  let from = at;
  for (let read = readSync(log, chunk, 0, chunkBytes, from); read > 0; read = readSync(log, chunk, 0, chunkBytes, from))
    from += writeSync(draft, chunk, 0, read, from);
  ftruncateSync(log, 0);
}
