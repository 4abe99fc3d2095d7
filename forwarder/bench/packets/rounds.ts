/** Contestants in turn, A B A B, each started anew for each sample; samples that the machine slowed are taken again; who fails is named and left out. */
import type { Measurement } from '../../../kernel/bench/measurement.ts';
import type { BenchCase, Variant } from './cases.ts';
import type { Question, Sample } from './sample.ts';
import type { Contestant } from './scenario.ts';

export interface Failure {
  readonly case: string;
  readonly variant?: string;
  readonly contestant: string;
  readonly reason: string;
}

/** What a contestant's samples of a variant were, a round each. */
export interface Series {
  readonly contestant: Contestant['name'];
  readonly samples: readonly Sample[];
  /** Samples that were taken again because the machine was slower than at its best. */
  readonly repeats: number;
}

export type Sampler = (contestant: Contestant, question: Question) => Promise<Sample>;

/** A calibration loop that took longer than at its best by this factor spoils its sample. */
const slowerAllowed = 1.05;
const repeatsAllowed = 2;

/** Takes samples while the machine is as fast as it was at its best in this run. */
export class Judge {
  readonly #sampler: Sampler;
  #best = Number.POSITIVE_INFINITY;

  constructor(sampler: Sampler) {
    this.#sampler = sampler;
  }

  /** The sample, or that of the fastest repetition when all were slow. */
  async take(contestant: Contestant, question: Question): Promise<{ readonly sample: Sample; readonly repeats: number }> {
    let fastest: Sample | undefined;
    for (let repeats = 0; ; repeats++) {
      const sample = await this.#sampler(contestant, question);
      if (fastest === undefined || sample.calibration < fastest.calibration) fastest = sample;
      this.#best = Math.min(this.#best, sample.calibration);
      if (fastest.calibration <= this.#best * slowerAllowed || repeats === repeatsAllowed) return { sample: fastest, repeats };
    }
  }
}

/** Everybody's samples of a question, round by round. Who failed once takes no further part and has no series. */
export async function runRounds(
  contestants: readonly Contestant[],
  question: (contestant: Contestant) => Question,
  rounds: number,
  judge: Judge,
): Promise<{ readonly series: readonly Series[]; readonly failed: ReadonlyMap<string, string> }> {
  const samples = new Map(contestants.map(({ name }) => [name, [] as Sample[]]));
  const repeated = new Map<string, number>();
  const failed = new Map<string, string>();
  for (let round = 0; round < rounds; round++) {
    for (const contestant of contestants.filter(({ name }) => !failed.has(name))) {
      try {
        const { sample, repeats } = await judge.take(contestant, question(contestant));
        samples.get(contestant.name)?.push(sample);
        repeated.set(contestant.name, (repeated.get(contestant.name) ?? 0) + repeats);
      } catch (error) {
        failed.set(contestant.name, `round ${round + 1}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
  const series = [...samples]
    .filter(([contestant]) => !failed.has(contestant))
    .map(([contestant, taken]) => ({ contestant, samples: taken, repeats: repeated.get(contestant) ?? 0 }));
  return { series, failed };
}

/** Throughput and cost of a series. */
export function measurements(benchCase: BenchCase, variant: Variant, { contestant, samples, repeats }: Series): Measurement[] {
  const shared = {
    group: 'packets',
    case: benchCase.id,
    title: benchCase.title,
    ...(variant.name === undefined ? {} : { variant: variant.name }),
    ...(variant.size === undefined ? {} : { size: variant.size }),
    contestant,
    ...noteOf(samples, repeats),
  };
  const target = variant.target === undefined || contestant !== 'weft' ? {} : { target: variant.target };
  return [
    { ...shared, unit: 'Mpps', better: 'more', values: samples.map(({ mpps }) => mpps) },
    { ...shared, unit: 'net cycles', better: 'less', values: samples.map(({ netCycles }) => netCycles), ...target },
  ];
}

/** What a reader must know: how the contestant was set up, and samples that were taken again. */
export function noteOf(samples: readonly Sample[], repeats: number): { readonly note?: string } {
  const again = repeats === 0 ? [] : [`${repeats} slowed samples taken again`];
  const notes = [...new Set(samples.flatMap(({ note }) => note ?? [])), ...again];
  return notes.length === 0 ? {} : { note: notes.join('; ') };
}
