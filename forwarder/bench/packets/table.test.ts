import test from 'ava';
import type { Measurement } from '../../../kernel/bench/measurement.ts';
import { table } from './table.ts';

const figure = (contestant: string, unit: string, values: readonly number[], more: Partial<Measurement> = {}): Measurement => ({
  group: 'packets',
  case: 'l3',
  title: 'L3',
  variant: '1 k flows',
  contestant,
  unit,
  better: 'more',
  values,
  ...more,
});

test('a line for each contestant: median, range, cost, target, ratio, record', (t) => {
  const measured = [
    figure('weft', 'Mpps', [20, 24, 22]),
    figure('weft', 'net cycles', [70, 72, 74], { target: 60 }),
    figure('ovs', 'Mpps', [10, 12, 11]),
    figure('ovs', 'net cycles', [200, 210, 220]),
  ];
  const lines = table(measured, [figure('ovs', 'Mpps', [11.25], { recorded: 'somewhere' })]).split('\n');
  t.is(lines.length, 3);
  t.deepEqual(lines[1]?.split(/ {2,}/), ['l3, 1 k flows', 'weft', '22.0 (20.0–24.0)', '72 (70–74)', '≤ 60', '2.00']);
  t.deepEqual(lines[2]?.split(/ {2,}/), ['l3, 1 k flows', 'ovs', '11.0 (10.0–12.0)', '210 (200–220)', '11.25']);
});

test('latency stands in lines of its own', (t) => {
  const text = table([figure('weft', 'µs', [4.2], { case: 'latency-half', variant: 'p99', note: 'at 12.0 Mpps' })], []);
  t.is(text, 'latency-half, p99  weft  4.2 (4.2–4.2) µs  at 12.0 Mpps');
});
