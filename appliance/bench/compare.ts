/** How the ratios of two runs differ: runs on one machine shall agree within 5 %. */
import { advantage, type Case, casesOf, contestantName, type Line } from './figures.ts';
import { fixed, table, times } from './markdown.ts';
import type { BenchResult } from './result.ts';

const agreement = 0.05;

export interface RatioChange {
  readonly what: string;
  readonly first: number;
  readonly second: number;
  /** Of the first, with its sign. */
  readonly change: number;
}

interface Ratio {
  readonly what: string;
  readonly value: number;
}

function lineRatios(one: Case, line: Line): [string, Ratio][] {
  return line.figures.flatMap((figure): [string, Ratio][] => {
    const value = figure.recorded === undefined ? advantage(line, figure) : undefined;
    if (value === undefined) return [];
    const name = [one.title, line.variant, line.unit].filter((word) => word !== '').join(', ');
    const key = [one.group, one.id, line.variant, line.unit, figure.contestant].join('\n');
    return [[key, { what: `${name}: Weft / ${contestantName(figure.contestant)}`, value }]];
  });
}

/** Weft beside each contestant of each line that was measured in the run. */
function ratiosOf({ measurements }: BenchResult, groups?: readonly string[]): Map<string, Ratio> {
  const wanted = measurements.filter(({ group }) => groups?.includes(group) ?? true);
  return new Map(casesOf(wanted).flatMap((one) => one.lines.flatMap((line) => lineRatios(one, line))));
}

/** The ratios that both runs have, in the order of the first, and those that only one has; of all groups or of these. */
export function compareRuns(a: BenchResult, b: BenchResult, groups?: readonly string[]): { changes: RatioChange[]; missing: string[] } {
  const [first, second] = [ratiosOf(a, groups), ratiosOf(b, groups)];
  const lonely = [...first].filter(([key]) => !second.has(key)).concat([...second].filter(([key]) => !first.has(key)));
  const changes = [...first].flatMap(([key, { what, value }]) => {
    const other = second.get(key)?.value;
    return other === undefined ? [] : [{ what, first: value, second: other, change: other / value - 1 }];
  });
  return { changes, missing: lonely.map(([, { what }]) => what) };
}

export function disagrees({ change }: RatioChange): boolean {
  return Math.abs(change) > agreement;
}

export function comparisonTable(changes: readonly RatioChange[]): string {
  const percent = (change: number) => `${change > 0 ? '+' : ''}${fixed(100 * change, 1)} %`;
  const rows = changes.map((one) => [one.what, times(one.first), times(one.second), percent(one.change), disagrees(one) ? 'differs' : '']);
  return table(['ratio', 'first', 'second', 'change', ''], rows);
}
