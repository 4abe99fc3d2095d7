/** Measurements as text for a terminal: one line for each case, variant and contestant. */
import { type Measurement, median, pairedRatio } from '../../../kernel/bench/measurement.ts';

const columns = ['case', 'contestant', 'Mpps (range)', 'net cycles (range)', 'target', '× ovs', 'recorded'] as const;

export function table(measured: readonly Measurement[], recorded: readonly Measurement[]): string {
  const lines = measured.filter(({ unit }) => unit === 'Mpps').map((rate) => throughputLine(rate, measured, recorded));
  const latencies = measured.filter(({ unit }) => unit === 'µs').map(latencyLine);
  return [...(lines.length === 0 ? [] : aligned([columns, ...lines])), ...aligned(latencies)].join('\n');
}

const sameVariant = (a: Measurement, b: Measurement) => a.case === b.case && a.variant === b.variant;

function throughputLine(rate: Measurement, measured: readonly Measurement[], recorded: readonly Measurement[]): string[] {
  const cost = measured.find((other) => other.unit === 'net cycles' && sameVariant(other, rate) && other.contestant === rate.contestant);
  const peer = measured.find((other) => other.unit === 'Mpps' && sameVariant(other, rate) && other.contestant === 'ovs');
  const known = recorded.find((other) => other.unit === 'Mpps' && sameVariant(other, rate) && other.contestant === rate.contestant);
  return [
    [rate.case, rate.variant].filter((part) => part !== undefined).join(', '),
    rate.contestant,
    range(rate.values, rate.values.every((value) => value < 3) ? 2 : 1),
    cost === undefined ? '' : range(cost.values, 0),
    cost?.target === undefined ? '' : `≤ ${cost.target}`,
    peer === undefined || rate.contestant === 'ovs' ? '' : pairedRatio(rate.values, peer.values).toFixed(2),
    known?.values[0] === undefined ? '' : String(known.values[0]),
  ];
}

function latencyLine({ case: id, variant, contestant, values, note }: Measurement): string[] {
  return [`${id}, ${variant}`, contestant, `${range(values, 1)} µs`, note ?? ''];
}

function range(values: readonly number[], digits: number): string {
  return `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)})`;
}

function aligned(lines: readonly (readonly string[])[]): string[] {
  const widths = lines.reduce<number[]>((wide, line) => line.map((text, column) => Math.max(wide[column] ?? 0, text.length)), []);
  return lines.map((line) =>
    line
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
