/** Figures put in order: cases, their lines (one variant in one unit), and what the lines say when contestants are compared. */
import { type Measurement, median, pairedRatio } from '../../kernel/bench/measurement.ts';

/** All contestants' figures of one variant of a case in one unit. */
export interface Line {
  readonly variant: string;
  readonly size?: number;
  readonly unit: string;
  readonly better: 'more' | 'less';
  readonly figures: readonly Measurement[];
  readonly target?: number;
}

export interface Case {
  readonly group: string;
  readonly id: string;
  readonly title: string;
  /** In the order of the figures. */
  readonly lines: readonly Line[];
}

export interface Range {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

const names: Readonly<Record<string, string>> = { weft: 'Weft', ovs: 'OVS-DPDK', vpp: 'VPP', testpmd: 'testpmd', etcd: 'etcd' };

export function contestantName(contestant: string): string {
  return names[contestant] ?? contestant;
}

export function rangeOf({ values }: Measurement): Range {
  return { median: median(values), low: Math.min(...values), high: Math.max(...values) };
}

function lineOf(figures: readonly Measurement[]): Line[] {
  const [first] = figures;
  if (first === undefined) return [];
  const size = figures.find((figure) => figure.size !== undefined)?.size;
  const target = figures.find((figure) => figure.target !== undefined)?.target;
  const { variant = '', unit, better } = first;
  return [{ variant, unit, better, figures, ...(size !== undefined && { size }), ...(target !== undefined && { target }) }];
}

/** Cases in the order of their first figures; lines ordered by size where they have one. */
export function casesOf(measurements: readonly Measurement[]): Case[] {
  const byCase = Map.groupBy(measurements, (figure) => `${figure.group}\n${figure.case}`);
  return [...byCase.values()].flatMap((figures) => {
    const [first] = figures;
    if (first === undefined) return [];
    const byLine = Map.groupBy(figures, (figure) => `${figure.variant ?? ''}\n${figure.unit}`);
    const lines = [...byLine.values()].flatMap(lineOf);
    const sorted = lines.every((line) => line.size !== undefined) ? lines.toSorted((a, b) => (a.size ?? 0) - (b.size ?? 0)) : lines;
    return [{ group: first.group, id: first.case, title: first.title, lines: sorted }];
  });
}

/** The lines of each variant together. */
export function byVariant(lines: readonly Line[]): Line[][] {
  return [...Map.groupBy(lines, (line) => line.variant).values()];
}

/** This run's figure of a contestant, or else all that are on record: a peer may have been tried in several ways. */
export function figuresOf(line: Line | undefined, contestant: string): Measurement[] {
  const own = line?.figures.filter((figure) => figure.contestant === contestant) ?? [];
  const measured = own.find((figure) => figure.recorded === undefined);
  return measured === undefined ? own : [measured];
}

/** The contestant's figure of this run, or else the recorded one. */
export function figureOf(line: Line | undefined, contestant: string): Measurement | undefined {
  return figuresOf(line, contestant)[0];
}

/** Weft first. */
function contestantsOf(line: Line): string[] {
  const contestants = [...new Set(line.figures.map((figure) => figure.contestant))];
  return [...contestants.filter((name) => name === 'weft'), ...contestants.filter((name) => name !== 'weft')];
}

/** What of a line stands in tables: Weft's figure and all of its peers. */
export function allFigures(line: Line): Measurement[] {
  return contestantsOf(line).flatMap((contestant) => figuresOf(line, contestant));
}

/** One figure of each contestant, for plots and comparisons. Weft first. */
export function shownFigures(line: Line): Measurement[] {
  return contestantsOf(line).flatMap((contestant) => figureOf(line, contestant) ?? []);
}

/** Programs that only move frames: their few net cycles are a difference of nearly equal figures, and ratios to them are noise. */
const bareLimits: ReadonlySet<string> = new Set(['testpmd', 'macswap']);

/** How many times as good as `other` Weft is: above 1, Weft is better, whatever the unit. Paired by round when both were measured. */
export function advantage(line: Line, other: Measurement): number | undefined {
  const weft = figureOf(line, 'weft');
  if (weft === undefined || weft === other || weft.recorded !== undefined) return undefined;
  if (line.unit === 'net cycles' && bareLimits.has(other.contestant)) return undefined;
  const ratio = other.recorded === undefined ? pairedRatio(weft.values, other.values) : median(weft.values) / median(other.values);
  if (!Number.isFinite(ratio) || ratio === 0) return undefined;
  return line.better === 'more' ? ratio : 1 / ratio;
}

/** Whether Weft's median reaches the target; undefined without target or figure. */
export function meetsTarget(line: Line): boolean | undefined {
  const weft = figureOf(line, 'weft');
  if (weft === undefined || weft.recorded !== undefined || line.target === undefined) return undefined;
  return line.better === 'more' ? median(weft.values) >= line.target : median(weft.values) <= line.target;
}
