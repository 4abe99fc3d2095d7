/** How long parts took before on this machine, so that progress can tell the time left. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Part } from './parts.ts';
import { type BenchResult, readResult } from './result.ts';

/** Seconds by part from the newest runs of the same kind below `folder`. */
export function pastSeconds(folder: string, quick: boolean): Map<string, number> {
  const past = new Map<string, number>();
  if (!existsSync(folder)) return past;
  const files = readdirSync(folder)
    .sort()
    .map((name) => join(folder, name, 'result.json'))
    .filter(existsSync);
  for (const file of files.slice(-5)) {
    const result = readable(file);
    if (result?.quick !== quick) continue;
    for (const part of result.parts) if (part.problem === undefined) past.set(part.name, part.seconds);
  }
  return past;
}

/** A result that was cut short, or written by another version, tells nothing. */
function readable(file: string): BenchResult | undefined {
  try {
    return readResult(file);
  } catch {
    return undefined;
  }
}

export function expectedSeconds(part: Part, quick: boolean, past: ReadonlyMap<string, number>): number {
  return past.get(part.name) ?? (quick ? part.seconds.quick : part.seconds.full);
}
