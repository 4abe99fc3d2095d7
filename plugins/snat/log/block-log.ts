/**
 * The block log on disk: lines are appended to the newest file; a new one is begun each day and when one is large, with what was held then, so that old
 * files may go. The last line says up to which event of the forwarder it is complete: after a crash the rest is asked for again.
 * Plugins cannot force bytes to the disk: a power cut may cost the last seconds, as it does the forwarder's memory.
 */
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { applyEntry, type Block, type Entry, entryOf, lineOf, type Position, timeText } from './entry.ts';
import { prune, segmentPath, segmentsIn } from './segments.ts';

const dayMs = 86_400_000;
const mib = 1_048_576;
/** So many files at least make up a full log. */
const parts = 16;

export interface LogBounds {
  readonly logDays: number;
  readonly logMib: number;
}

export class BlockLog {
  readonly folder: string;
  readonly #bounds: LogBounds;
  readonly #now: () => number;
  readonly #open = new Map<string, Block>();
  #closed = false;
  #position: Position = { sequence: 0, timeMs: 0 };
  #file: { readonly fd: number; readonly startMs: number; size: number; added: number } | undefined;

  /** @param now milliseconds since 1970 */
  constructor(folder: string, bounds: LogBounds, now: () => number = Date.now) {
    this.folder = folder;
    this.#bounds = bounds;
    this.#now = now;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#resume();
  }

  /** The last event that is in it; sequence 0: none of this forwarder's memory. */
  get position(): Position {
    return this.#position;
  }

  /** Blocks that ports have, by `blockName`. */
  get open(): ReadonlyMap<string, Block> {
    return this.#open;
  }

  /** Throws when the disk does not take it: then it is as if it had not been tried. After close nothing is written: it will be asked for again. */
  append(entries: readonly Entry[]): void {
    const [first] = entries;
    if (first === undefined || this.#closed) return;
    this.#rotate(Date.parse(first.time));
    const file = this.#file;
    if (file === undefined) throw new Error('block log: no file is open');
    const bytes = Buffer.from(entries.map(lineOf).join(''));
    try {
      writeAll(file.fd, bytes, file.size);
    } catch (thrown) {
      ftruncateSync(file.fd, file.size);
      throw thrown;
    }
    file.size += bytes.length;
    file.added += bytes.length;
    for (const entry of entries) this.#note(entry);
  }

  get closed(): boolean {
    return this.#closed;
  }

  close(): void {
    if (!this.#closed && this.#file !== undefined) closeSync(this.#file.fd);
    this.#closed = true;
  }

  #note(entry: Entry): void {
    applyEntry(this.#open, entry);
    const { sequence, time, sequenceTime = time } = entry;
    if (sequence !== undefined) this.#position = { sequence, timeMs: Date.parse(sequenceTime) };
  }

  /** Takes up the newest file: whole lines of it, a torn one at the end goes. */
  #resume(): void {
    for (const name of readdirSync(this.folder).filter((each) => each.endsWith('.new'))) rmSync(join(this.folder, name));
    const newest = segmentsIn(this.folder).at(-1);
    if (newest === undefined) return;
    const bytes = readFileSync(newest.path);
    const size = bytes.lastIndexOf('\n') + 1;
    for (const line of bytes.toString('utf8', 0, size).split('\n')) {
      const entry = entryOf(line);
      if (entry !== undefined) this.#note(entry);
    }
    const fd = openSync(newest.path, 'r+');
    ftruncateSync(fd, size);
    this.#file = { fd, startMs: newest.startMs, size, added: size };
  }

  #rotate(timeMs: number): void {
    const { logDays, logMib } = this.#bounds;
    const file = this.#file;
    const isDue =
      file === undefined || file.added > (logMib * mib) / parts || Math.floor(timeMs / dayMs) > Math.floor(file.startMs / dayMs);
    if (!isDue) return;
    const startMs = Math.max(timeMs, (file?.startMs ?? 0) + 1);
    const path = segmentPath(this.folder, startMs);
    // Named only when it is whole: a file without its beginning would forget what is held.
    const bytes = Buffer.from(this.#beginning(startMs).map(lineOf).join(''));
    const fd = writeWhole(path, bytes);
    if (file !== undefined) closeSync(file.fd);
    this.#file = { fd, startMs, size: bytes.length, added: 0 };
    prune(this.folder, this.#now() - logDays * dayMs, logMib * mib);
  }

  #beginning(startMs: number): readonly Entry[] {
    const time = timeText(startMs);
    const { sequence, timeMs } = this.#position;
    const held = [...this.#open.values()].map((block): Entry => ({ time, event: 'held', ...block }));
    return [{ time, event: 'begun', sequence, sequenceTime: timeText(timeMs) }, ...held];
  }
}

/** A disk that is nearly full takes a part of it, and says so only when it is asked again. */
function writeAll(fd: number, bytes: Buffer, position: number): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, position + done);
}

/** A file that is there with all of its content or not at all, open for writing. */
function writeWhole(path: string, bytes: Buffer): number {
  const unnamed = `${path}.new`;
  try {
    writeFileSync(unnamed, bytes, { mode: 0o600 });
    const fd = openSync(unnamed, 'r+');
    renameSync(unnamed, path);
    return fd;
  } catch (thrown) {
    // What is left of it would take the room that is missing.
    rmSync(unnamed, { force: true });
    throw thrown;
  }
}
