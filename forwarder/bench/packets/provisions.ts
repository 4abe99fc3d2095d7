/**
 * 2 MB hugepages for the time of a run. What a run changes or makes is written down first, in a record that the next run finds when this one
 * was killed.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a run leaves when it is killed. */
interface Leftover {
  /** Of the run, and when it was started: ids are used again. */
  readonly pid: number;
  readonly started: string;
  readonly folder: string;
  /** Number of hugepages before the run, and in it; absent when it changed nothing. */
  readonly hugepages?: { readonly before: number; readonly during: number };
}

/** Room for the packet memory of a contestant. */
const wanted = 400;
const records = '/run/weft-bench';
/** Of pages of 2 MB, whatever this machine's usual size is. */
const pool = '/sys/kernel/mm/hugepages/hugepages-2048kB';
const reservation = join(pool, 'nr_hugepages');

export interface Provisions {
  /** On tmpfs, removed at the end. */
  readonly folder: string;
  readonly hugepages: boolean;
  /** Puts everything back; may be called twice. */
  release(): void;
}

/** `want`: undefined takes hugepages if the machine has room. Throws an Error when they are wanted and there is none. */
export function provide(want: boolean | undefined): Provisions {
  cleanUp();
  const folder = `/dev/shm/weft-bench-${process.pid}`;
  const record = join(records, `${process.pid}.json`);
  const leftover: Leftover = { pid: process.pid, started: startOf(process.pid) ?? '', folder };
  const note = (changed: Leftover) => writeFileSync(record, JSON.stringify(changed));
  mkdirSync(records, { recursive: true });
  note(leftover);
  mkdirSync(folder, { mode: 0o700 });
  const release = () => putBack(record);
  process.once('exit', release);
  const hugepages = want !== false && reserve((change) => note({ ...leftover, hugepages: change }));
  if (want === true && !hugepages)
    throw new Error(`this machine has no room for ${wanted} hugepages of 2 MB: free memory, or run with --hugepages no`);
  return { folder, hugepages, release };
}

/** True when enough are free, if need be after reserving more. `announce` is told before the number changes. */
function reserve(announce: (change: { readonly before: number; readonly during: number }) => void): boolean {
  const present = count();
  if (present === undefined) return false;
  const { total, free } = present;
  if (free >= wanted) return true;
  const change = { before: total, during: total + wanted - free };
  announce(change);
  try {
    writeFileSync(reservation, String(change.during));
  } catch (error) {
    // Not root, or a kernel without hugepages.
    if ((error as NodeJS.ErrnoException).code !== undefined) return false;
    throw error;
  }
  if ((count()?.free ?? 0) >= wanted) return true;
  writeFileSync(reservation, String(change.before));
  return false;
}

/** Undefined when this machine has no such pages. */
function count(): { readonly total: number; readonly free: number } | undefined {
  const of = (name: string) => Number(readFileSync(join(pool, name), 'utf8'));
  return existsSync(pool) ? { total: of('nr_hugepages'), free: of('free_hugepages') } : undefined;
}

/** Undoes what runs left that are no more. */
export function cleanUp(where: string = records): void {
  mkdirSync(where, { recursive: true });
  for (const name of readdirSync(where)) {
    const record = join(where, name);
    const leftover = readLeftover(record);
    if (leftover === undefined) rmSync(record, { force: true });
    else if (startOf(leftover.pid) !== leftover.started) putBack(record);
  }
}

function putBack(record: string): void {
  const leftover = readLeftover(record);
  if (leftover === undefined) return;
  rmSync(leftover.folder, { recursive: true, force: true });
  const { hugepages } = leftover;
  // Another number by now: somebody else decided on it.
  if (hugepages !== undefined && count()?.total === hugepages.during) writeFileSync(reservation, String(hugepages.before));
  rmSync(record, { force: true });
}

function readLeftover(record: string): Leftover | undefined {
  try {
    return JSON.parse(readFileSync(record, 'utf8')) as Leftover;
  } catch (error) {
    // gone, or cut short by what killed its writer
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Start time of a process in ticks since boot (proc(5), field 22); undefined when it is gone. */
function startOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')[19];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || (error as NodeJS.ErrnoException).code === 'ESRCH') return undefined;
    throw error;
  }
}
