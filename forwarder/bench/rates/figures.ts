/** Gathers figures over rounds. */
import { type Measurement, median } from '../../../kernel/bench/measurement.ts';

/** What a figure is of; without a contestant it is Weft's. */
export type Subject = Omit<Measurement, 'values' | 'contestant'> & { readonly contestant?: string };

/** A part of the rates: measures everything it has once, a round. */
export interface Part {
  readonly name: string;
  /** Figures that do not change from round to round are measured in the first only. */
  readonly once?: boolean;
  readonly run: (figures: Figures, quick: boolean) => Promise<void>;
}

export class Figures {
  readonly #found = new Map<string, { readonly subject: Subject; readonly values: number[] }>();

  /** One more value of this subject; its texts are those of the last one. Throws a RangeError for what is no number. */
  add(subject: Subject, value: number): void {
    if (!Number.isFinite(value))
      throw new RangeError(`${subject.title}${subject.variant ? `, ${subject.variant}` : ''}: ${value} is no figure`);
    const key = [subject.case, subject.variant, subject.contestant, subject.unit].join('|');
    const values = this.#found.get(key)?.values ?? [];
    values.push(value);
    this.#found.set(key, { subject, values });
  }

  measurements(): Measurement[] {
    return [...this.#found.values()].map(({ subject, values }) => ({ contestant: 'weft', ...subject, values }));
  }
}

/** 1000 → `1 k`, 1000000 → `1 M`. */
export function short(count: number): string {
  if (count >= 1e6) return `${count / 1e6} M`;
  return count >= 1e3 ? `${count / 1e3} k` : String(count);
}

/** Three digits that say something, thousands with k, millions with M. */
function readable(value: number): string {
  if (value >= 1e7) return `${(value / 1e6).toFixed(1)} M`;
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  if (value >= 1e4) return `${(value / 1e3).toFixed(0)} k`;
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function meets({ better, target = Number.NaN }: Measurement, value: number): boolean {
  return better === 'less' ? value <= target : value >= target;
}

/** One line for each measurement: median, range, target. */
export function ratesTable(measurements: readonly Measurement[]): string {
  const lines = measurements.map((measurement) => {
    const { title, variant, contestant, unit, values, target, better } = measurement;
    const middle = median(values);
    const range = values.length > 1 ? `${readable(Math.min(...values))}–${readable(Math.max(...values))}` : '';
    const goal =
      target === undefined ? '' : `${better === 'less' ? '≤' : '≥'} ${readable(target)} ${meets(measurement, middle) ? 'met' : 'MISSED'}`;
    return [[title, variant].filter(Boolean).join(', '), contestant, `${readable(middle)} ${unit}`, range, goal];
  });
  const widths = [0, 1, 2, 3].map((column) => Math.max(0, ...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
