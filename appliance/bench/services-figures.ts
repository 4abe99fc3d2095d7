/** Figures of a load on a service: how many per second, how long each waited, what was not answered, and which process took how much of a core. */
import type { Measurement, Rounds } from '../../kernel/bench/measurement.ts';
import type { Share } from '../run/cpu-share.ts';
import type { Latency } from '../run/service-clients.ts';

export interface Loaded {
  readonly case: string;
  readonly title: string;
  readonly variant: string;
  readonly note?: string;
  /** Right answers per second, and how many it should be. */
  readonly rate: number;
  readonly target?: number;
  readonly ms: Latency;
  /** Milliseconds that 99 % should not exceed. */
  readonly targetP99?: number;
  readonly begun: number;
  readonly answered: number;
  /** From the first question to the last right answer. */
  readonly seconds: number;
  /** What processes used; a loader also waits for what does not come. */
  readonly shares: readonly Share[];
}

/** Processes that take less say nothing about what limits. */
const leastCores = 0.02;

export function addLoad(rounds: Rounds, load: Loaded): void {
  const { title, variant, target, targetP99, note } = load;
  const figure: Omit<Measurement, 'values' | 'unit' | 'better'> = {
    group: 'services',
    case: load.case,
    title,
    variant,
    contestant: 'weft',
    ...(note !== undefined && { note }),
  };
  rounds.add({ ...figure, unit: '/s', better: 'more', ...(target !== undefined && { target }) }, load.rate);
  rounds.add({ ...figure, unit: 'ms (median)', better: 'less' }, load.ms.p50);
  rounds.add({ ...figure, unit: 'ms (99 %)', better: 'less', ...(targetP99 !== undefined && { target: targetP99 }) }, load.ms.p99);
  rounds.add({ ...figure, unit: '% unanswered', better: 'less' }, (100 * (load.begun - load.answered)) / Math.max(1, load.begun));
  for (const { name, cpuSeconds } of load.shares) {
    const cores = cpuSeconds / load.seconds;
    if (cores >= leastCores) rounds.add({ ...figure, unit: `% of a core: ${name}`, better: 'less' }, 100 * cores);
  }
}

/** Seconds that clients are given who all begin at once. */
const bootSeconds = 2;
const bootNote = 'Clients ask again after 4 s, then after twice as long (RFC 2131, 4.1).';

/** `seconds`: until the last of them was served. Throws an Error when one was not. */
export function addBoot(
  rounds: Rounds,
  load: Pick<Loaded, 'case' | 'title' | 'variant' | 'begun' | 'answered'> & { seconds: number },
): void {
  const { begun, answered, seconds, title, variant } = load;
  if (answered < begun) throw new Error(`${title}: ${answered} of ${begun} were served`);
  const figure = { group: 'services', case: load.case, title, variant, contestant: 'weft', note: bootNote } as const;
  rounds.add({ ...figure, unit: 's', better: 'less', target: bootSeconds }, seconds);
}
