/** Which failpoints are armed in one life of the kernel: those that have acted least go first. */
import { failpoints } from '../../src/failpoints/index.ts';
import { below, choose, type Random } from './generator.ts';

type Name = (typeof failpoints)[number];

/** Passed many times in each history; the others a few times in each life. */
const busy = /^(api|apply|admit|store|watch)\./;
const rare: readonly Name[] = ['store.before-setting', 'store.before-setting-sync'];
/** Where nothing can throw in truth, so that no code is ready for it. */
const noThrow: readonly Name[] = [
  'api.before-answer',
  'store.after-sync',
  'store.before-notice',
  'apply.after-commit',
  'supervisor.before-want',
  'supervisor.child-ended',
];
/** Delays that hold up the start of all, at each start. */
const longestDelayMs = 40;

export class Arming {
  /** How often each has acted, by name. */
  readonly fired = new Map<string, number>(failpoints.map((name) => [name, 0]));
  readonly #random: Random;
  readonly #lethal: number;

  /** @param lethal chance that one of those that are armed kills */
  constructor(random: Random, lethal = 0.7) {
    this.#random = random;
    this.#lethal = lethal;
  }

  /** A setting for the next life. */
  next(): string {
    const random = this.#random;
    const chosen = new Set<Name>();
    const wanted = 2 + below(random, 4);
    const least = [...failpoints].sort((a, b) => this.#count(a) - this.#count(b)).slice(0, 6);
    while (chosen.size < wanted) chosen.add(random() < 0.5 ? choose(random, least) : choose(random, failpoints));
    const lethal = random() < this.#lethal ? choose(random, [...chosen]) : null;
    return [...chosen].map((name) => `${name}=${name === lethal ? 'kill' : this.#action(name)}@${this.#nth(name)}`).join(',');
  }

  count(fired: readonly string[]): void {
    for (const line of fired) {
      const [name = ''] = line.split(' ');
      this.fired.set(name, this.#count(name) + 1);
    }
  }

  #action(name: Name): string {
    if (this.#random() < 0.4 && !noThrow.includes(name)) return 'throw';
    return `delay:${1 + below(this.#random, longestDelayMs)}`;
  }

  #nth(name: Name): number {
    return busy.test(name) && !rare.includes(name) ? 1 + below(this.#random, 25) : 1 + below(this.#random, 2);
  }

  #count(name: string): number {
    return this.fired.get(name) ?? 0;
  }
}
