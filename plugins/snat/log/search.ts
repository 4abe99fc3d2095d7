/** Reads the block log, file by file: what happened since a time, and who had an outside port at one. */
import { type FileHandle, open } from 'node:fs/promises';
import { type Block, type Entry, entryOf } from './entry.ts';
import { segmentsFrom, segmentsIn } from './segments.ts';

/** Whoever is late with his line has written it by then. */
const longAfterMs = 86_400_000;

export interface OutsidePort {
  readonly address: string;
  readonly l4Port: number;
}

export interface Holder extends Block {
  /** RFC 3339; absent: it has it still. */
  readonly until?: string;
  /** Events that are missing since it got the block. */
  readonly lost: number;
}

/** When the log begins; undefined: it is empty. */
export function logStart(folder: string): number | undefined {
  return segmentsIn(folder)[0]?.startMs;
}

/** What happened from a time on, in the order in which it was written; without the lines that files begin with. */
export async function* happenedSince(folder: string, sinceMs: number, signal?: AbortSignal): AsyncGenerator<Entry> {
  for await (const entry of entriesFrom(folder, sinceMs, signal))
    if (entry.event !== 'held' && entry.event !== 'begun' && Date.parse(entry.time) >= sinceMs) yield entry;
}

export const concerns = ({ address, first = 0, last = -1 }: Partial<Block>, wanted: OutsidePort): boolean =>
  address === wanted.address && first <= wanted.l4Port && wanted.l4Port <= last;

/** Who had an outside port at a time, from when, and to when; undefined: nobody. */
export async function holderAt(folder: string, wanted: OutsidePort, atMs: number, signal?: AbortSignal): Promise<Holder | undefined> {
  let holder: Holder | undefined;
  // Most lines are about other addresses: they need not be read.
  const telling = [`"address":"${wanted.address}"`, '"event":"lost"', '"event":"restarted"'];
  for await (const entry of entriesFrom(folder, atMs, signal, (line) => telling.some((part) => line.includes(part)))) {
    const timeMs = Date.parse(entry.time);
    const ends = entry.event === 'restarted' || (entry.event === 'released' && concerns(entry, wanted));
    if (timeMs > atMs) {
      if (holder === undefined && timeMs > atMs + longAfterMs) return undefined;
      if (holder !== undefined && ends) return { ...holder, until: entry.time };
    } else if (ends) holder = undefined;
    else if (entry.event === 'lost' && holder !== undefined) holder = { ...holder, lost: holder.lost + (entry.count ?? 0) };
    else if ((entry.event === 'assigned' || (entry.event === 'held' && holder === undefined)) && concerns(entry, wanted))
      holder = { ...blockOf(entry), lost: 0 };
  }
  return holder;
}

function blockOf({ project = '', port = '', id = 0, address = '', first = 0, last = 0, time, since = time }: Entry): Block {
  return { project, port, id, address, first, last, since };
}

async function* entriesFrom(
  folder: string,
  timeMs: number,
  signal: AbortSignal | undefined,
  isWanted: (line: string) => boolean = () => true,
): AsyncGenerator<Entry> {
  for (const { path } of segmentsFrom(folder, timeMs)) {
    const file = await openIfThere(path);
    if (file === undefined) continue;
    try {
      for await (const line of file.readLines({ encoding: 'utf8', autoClose: false })) {
        if (signal?.aborted === true) return;
        const entry = isWanted(line) ? entryOf(line) : undefined;
        if (entry !== undefined) yield entry;
      }
    } finally {
      await file.close();
    }
  }
}

/** Undefined: it became too old while others were read. */
async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw thrown;
  }
}
