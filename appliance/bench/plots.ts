/** Which plots a run's figures give: throughput of all cases, growth of each case over its sizes, comparisons without sizes. */
import type { Measurement } from '../../kernel/bench/measurement.ts';
import { type Case, casesOf, contestantName, type Line, rangeOf, shownFigures } from './figures.ts';
import { groupTitle, unitTitle } from './groups.ts';
import { type BarPlot, barPlot, type LineSeries, linePlot } from './plot.ts';
import type { Look } from './plot-frame.ts';

export interface Plot {
  /** File name, `.svg`. */
  readonly file: string;
  readonly group: string;
  /** Undefined: of the whole group. */
  readonly case?: string;
  readonly title: string;
  readonly svg: string;
}

/** Units that growth is drawn of; where a case has both, net cycles say the same as Mpps without the harness. */
const drawn: ReadonlySet<string> = new Set(['net cycles', 'Mpps', 'instructions', '/s', 'M/s', 'ns', 'µs', 'ms', 's']);
const leastSizes = 3;

function look({ contestant, recorded }: Measurement): Look {
  return { name: contestantName(contestant), kind: contestant, recorded: recorded !== undefined };
}

function fileName(...words: readonly string[]): string {
  return `${words
    .join(' ')
    .toLowerCase()
    .replaceAll('µ', 'u')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')}.svg`;
}

/** `1 k flows` → `flows`. */
function sizeName(variant: string): string {
  return /^[\d.,]+\s*[kMG]?\s+(.+)$/.exec(variant)?.[1] ?? 'size';
}

function sized(line: Line): line is Line & { size: number } {
  return line.size !== undefined && line.size > 0;
}

function growthSeries(lines: readonly (Line & { size: number })[]): LineSeries[] {
  const points = lines.flatMap((line) => shownFigures(line).map((figure) => ({ key: JSON.stringify(look(figure)), figure, x: line.size })));
  const series = [...Map.groupBy(points, ({ key }) => key).values()].flatMap((own) => {
    const [first] = own;
    return first === undefined ? [] : [{ ...look(first.figure), points: own.map(({ figure, x }) => ({ ...rangeOf(figure), x })) }];
  });
  const targets = lines.flatMap(({ size, target }) =>
    target === undefined ? [] : [{ x: size, median: target, low: target, high: target }],
  );
  const target: LineSeries[] = targets.length > 1 ? [{ name: "Weft's target", kind: 'target', recorded: false, points: targets }] : [];
  return [...series, ...target];
}

/** What growth of this case is drawn of: unit → its lines with sizes. */
function growing(one: Case): Map<string, (Line & { size: number })[]> {
  const units = Map.groupBy(one.lines.filter(sized), (line) => line.unit);
  for (const [unit, lines] of units) if (lines.length < leastSizes || !drawn.has(unit)) units.delete(unit);
  if (units.has('net cycles')) units.delete('Mpps');
  return units;
}

function growthPlots(one: Case): Plot[] {
  return [...growing(one)].map(([unit, lines]) => {
    const yTitle = unitTitle(unit);
    const svg = linePlot({ title: one.title, xTitle: sizeName(lines[0]?.variant ?? ''), yTitle, series: growthSeries(lines) });
    return {
      file: fileName('growth', one.group, one.id, unitTitle(unit)),
      group: one.group,
      case: one.id,
      title: `${one.title}: ${yTitle} by size`,
      svg,
    };
  });
}

function bars(line: Line): (Look & ReturnType<typeof rangeOf>)[] {
  return shownFigures(line).map((figure) => ({ ...look(figure), ...rangeOf(figure) }));
}

/** `L3, 1,000 /24 routes`, `1 k flows` → `L3, 1 k flows`. */
function barName(one: Case, line: Line): string {
  return [one.title.replace(/[,:(].*/, '').trim(), line.variant].filter((word) => word !== '').join(', ');
}

/** Of each case the variant with about a thousand of what it counts. */
function throughputPlot(cases: readonly Case[]): Plot[] {
  // Of the bare limits, macswap is what Weft is held against.
  const distance = ({ variant, size }: Line) =>
    size === undefined || size <= 0 ? Number(variant !== 'macswap') : Math.abs(Math.log(size / 1_000));
  const rows = cases.flatMap((one) => {
    const [line] = one.lines.filter(({ unit }) => unit === 'Mpps').toSorted((a, b) => distance(a) - distance(b));
    return line === undefined ? [] : [{ name: barName(one, line), bars: bars(line) }];
  });
  if (rows.length === 0) return [];
  const title = 'Packets per second, one core, 64-byte frames';
  return [{ file: 'throughput.svg', group: 'packets', title, svg: barPlot({ title, unit: 'Mpps', rows }) }];
}

/** Bars that differ more than this say less than the table. */
const widestSpread = 100;

function isDrawable({ rows }: BarPlot): boolean {
  const medians = rows.flatMap((row) => row.bars.map((bar) => bar.median));
  return rows.length > 1 && Math.min(...medians) > 0 && Math.max(...medians) / Math.min(...medians) <= widestSpread;
}

/** Lines of a group with several contestants whose growth is not drawn: one plot for each unit. */
function comparisonPlots(group: string, cases: readonly Case[]): Plot[] {
  const lines = cases.flatMap((one) => {
    const growth = growing(one);
    const left = one.lines.filter((line) => shownFigures(line).length > 1 && !growth.has(line.unit) && drawn.has(line.unit));
    return left.map((line) => ({
      unit: line.unit,
      row: { name: barName(one, line), bars: bars(line) },
    }));
  });
  return [...Map.groupBy(lines, ({ unit }) => unit)].flatMap(([unit, own]) => {
    const plot: BarPlot = { title: `${groupTitle(group)}: ${unitTitle(unit)}`, unit: unitTitle(unit), rows: own.map(({ row }) => row) };
    return isDrawable(plot) ? [{ file: fileName('compare', group, unitTitle(unit)), group, title: plot.title, svg: barPlot(plot) }] : [];
  });
}

export function plotsOf(measurements: readonly Measurement[]): Plot[] {
  const groups = Map.groupBy(casesOf(measurements), (one) => one.group);
  return [...groups].flatMap(([group, cases]) => {
    const growth = cases.flatMap(growthPlots);
    return group === 'packets' ? [...throughputPlot(cases), ...growth] : [...comparisonPlots(group, cases), ...growth];
  });
}
