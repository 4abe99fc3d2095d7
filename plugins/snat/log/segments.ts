/** The files of the block log: one after the other, each named by the time at which it begins. */
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

export interface Segment {
  readonly path: string;
  /** Since 1970: nothing in it is older. */
  readonly startMs: number;
}

const pattern = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z\.jsonl$/;

export function segmentPath(folder: string, startMs: number): string {
  return join(folder, `${new Date(startMs).toISOString().replaceAll(/[-:.]/g, '')}.jsonl`);
}

/** The oldest first. */
export function segmentsIn(folder: string): readonly Segment[] {
  const names = readdirSync(folder).sort();
  return names.flatMap((name) => {
    const [, year, month, day, hour, minute, second, ms] = pattern.exec(name) ?? [];
    return year === undefined
      ? []
      : [{ path: join(folder, name), startMs: Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`) }];
  });
}

/** Those from which on something may have happened at a time, the oldest first. */
export function segmentsFrom(folder: string, timeMs: number): readonly Segment[] {
  const all = segmentsIn(folder);
  const index = all.findLastIndex(({ startMs }) => startMs <= timeMs);
  return all.slice(Math.max(0, index));
}

/** Removes what is older than a time and what is too much, the oldest first; never the last file, which says where the log stands. */
export function prune(folder: string, oldestMs: number, mostBytes: number): void {
  const all = segmentsIn(folder);
  let bytes = all.reduce((sum, { path }) => sum + statSync(path).size, 0);
  for (const [index, { path }] of all.entries()) {
    const next = all[index + 1];
    if (next === undefined || (next.startMs > oldestMs && bytes <= mostBytes)) return;
    bytes -= statSync(path).size;
    rmSync(path);
  }
}
