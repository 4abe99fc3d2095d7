/** Durations as users write them: `500ms`, `30s`, `2m`, `1h`; a bare number is seconds. */
import { InvalidArgumentError } from 'commander';

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, '': 1_000, m: 60_000, h: 3_600_000 };

const longestMs = 100 * 366 * 24 * 3_600_000;

/** Milliseconds, whole ones, at most a hundred years. Throws commander's error, which names the option. */
export function parseDuration(text: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|)$/.exec(text) ?? [];
  const factor = units[unit ?? '?'];
  if (amount === undefined || factor === undefined) throw new InvalidArgumentError('Write it like 30s, 500ms or 2m.');
  const ms = Math.ceil(Number(amount) * factor);
  if (ms > longestMs) throw new InvalidArgumentError('It must be at most 100 years.');
  return ms;
}
