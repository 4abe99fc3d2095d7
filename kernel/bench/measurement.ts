/**
 * What every benchmark of the house hands over: figures with their rounds, so that whoever prints them can give medians, ranges and ratios.
 * A benchmark started with `--json FILE` writes `Measurement[]` there.
 */
export interface Measurement {
  /** Part of the page: packets, latency, rates, scale, appliance, api, store. */
  readonly group: string;
  /** The same for all contestants of a case: `l3`. */
  readonly case: string;
  /** What a reader sees: `L3, 1,000 routes of /24`. */
  readonly title: string;
  /** One of several sizes of the case: `1 k flows`. */
  readonly variant?: string;
  /** The variant as a number, for growth plots. */
  readonly size?: number;
  /** weft, ovs, vpp, testpmd, etcd. */
  readonly contestant: string;
  /** Mpps, net cycles, ns, ms, s, MiB, B, /s, %. */
  readonly unit: string;
  readonly better: 'more' | 'less';
  /** One a round. Rounds of the contestants of a case were interleaved: the n-th values belong together. */
  readonly values: readonly number[];
  /** What Weft aims at, in `unit`. */
  readonly target?: number;
  /** Not measured in this run, but there: machine and version. */
  readonly recorded?: string;
  /** What a reader must know to trust the figure. */
  readonly note?: string;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

/** Median of the ratios a[n] / b[n] of rounds that ran one after the other. When there are not as many of both: of the medians. */
export function pairedRatio(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) return median(a) / median(b);
  return median(a.map((value, round) => value / (b[round] ?? Number.NaN)));
}

/** Gathers rounds: values of the same case, variant, contestant and unit make one measurement, in the order in which they come. */
export class Rounds {
  readonly #figures = new Map<string, Measurement & { readonly values: number[] }>();

  /** Throws an Error when the value is no number: a figure that could not be taken must not become a gap. */
  add(figure: Omit<Measurement, 'values'>, value: number): void {
    const name = [figure.group, figure.case, figure.variant ?? '', figure.contestant, figure.unit].join(' | ');
    if (!Number.isFinite(value)) throw new Error(`${name} gave no number: ${value}`);
    const known = this.#figures.get(name);
    if (known === undefined) this.#figures.set(name, { ...figure, values: [value] });
    else known.values.push(value);
  }

  get measurements(): Measurement[] {
    return [...this.#figures.values()];
  }
}

/** Rows for console.table: medians and ranges. */
export function rowsOf(measurements: readonly Measurement[]): Record<string, string>[] {
  const short = (value: number) => Number(value.toPrecision(4)).toLocaleString('en-US', { maximumFractionDigits: 4 });
  return measurements.map(({ title, variant = '', contestant, unit, values }) => {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return {
      what: title,
      variant,
      contestant,
      median: short(median(values)),
      unit,
      range: low === high ? '' : `${short(low)}–${short(high)}`,
    };
  });
}
