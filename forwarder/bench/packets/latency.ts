/** Latency of plain L3 at half of what a contestant can do, and at one rate that all can do. */
import { type Measurement, median } from '../../../kernel/bench/measurement.ts';
import { plainVariant } from './cases.ts';
import { type Judge, noteOf, runRounds, type Series } from './rounds.ts';
import type { Question } from './sample.ts';
import type { Contestant } from './scenario.ts';

const percentiles = ['p50', 'p99', 'p99.9'] as const;
/** Packets per second. */
const sameRate = 2_000_000;
const flowsAndRoutes = 'plain L3, 1,000 /24 routes, 1 k flows';

interface Part {
  readonly id: string;
  readonly title: string;
  readonly rateOf: (contestant: string) => number;
}

export interface LatencyResult {
  readonly measurements: readonly Measurement[];
  readonly failed: readonly { readonly case: string; readonly contestant: string; readonly reason: string }[];
}

/** `throughput`: packets per second that a contestant reached in this run; who is not in it is measured first. */
export async function measureLatency(
  contestants: readonly Contestant[],
  throughput: ReadonlyMap<string, number>,
  rounds: number,
  judge: Judge,
): Promise<LatencyResult> {
  const limits = new Map(throughput);
  const failed = [];
  for (const contestant of contestants.filter(({ name }) => !limits.has(name))) {
    const first = await runRounds([contestant], () => plainVariant, 1, judge);
    for (const { samples } of first.series) limits.set(contestant.name, median(samples.map(({ mpps }) => mpps)) * 1e6);
    for (const reason of first.failed.values()) failed.push({ case: 'latency', contestant: contestant.name, reason });
  }
  const able = contestants.filter(({ name }) => limits.has(name));
  const parts: readonly Part[] = [
    {
      id: 'latency-half',
      title: `Latency at half of its own throughput: ${flowsAndRoutes}`,
      rateOf: (name) => Math.round((limits.get(name) ?? 0) / 2),
    },
    { id: 'latency-2mpps', title: `Latency at 2 Mpps: ${flowsAndRoutes}`, rateOf: () => sameRate },
  ];
  const measurements: Measurement[] = [];
  for (const part of parts) {
    const question = ({ name }: Contestant): Question => ({
      ...plainVariant,
      traffic: { ...plainVariant.traffic, rate: part.rateOf(name) },
    });
    const result = await runRounds(able, question, rounds, judge);
    measurements.push(...result.series.flatMap((series) => ofSeries(part, series)));
    for (const [contestant, reason] of result.failed) failed.push({ case: part.id, contestant, reason });
  }
  return { measurements, failed };
}

function ofSeries({ id, title, rateOf }: Part, { contestant, samples, repeats }: Series): Measurement[] {
  const { note } = noteOf(samples, repeats);
  const rate = `at ${(rateOf(contestant) / 1e6).toFixed(1)} Mpps`;
  return percentiles.map((variant, index) => ({
    group: 'latency',
    case: id,
    title,
    variant,
    contestant,
    unit: 'µs',
    better: 'less',
    values: samples.map(({ latency }) => latency[index] ?? Number.NaN),
    note: note === undefined ? rate : `${rate}; ${note}`,
  }));
}
