/** Random operations on a few names, so that clients meet. The same seed gives the same wishes. */
import { kinds, type Name, type Operation, type Spec, type Wish } from './operations.ts';

/** Numbers in [0, 1). */
export type Random = () => number;

/** Mulberry32. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function choose<T>(random: Random, from: readonly T[]): T {
  const chosen = from[Math.floor(random() * from.length)];
  if (chosen === undefined) throw new RangeError('nothing to choose from');
  return chosen;
}

export function below(random: Random, limit: number): number {
  return Math.floor(random() * limit);
}

/** What a client has learnt and may use, or misuse when it is out of date. */
export interface Memory {
  /** Revisions by `Kind/name`, as last seen. */
  readonly revisions: ReadonlyMap<string, number>;
  /** Numbers of changes on trial. */
  readonly trials: readonly number[];
  /** Nothing goes back beyond it. */
  readonly base: number;
  /** Highest revision seen. */
  readonly latest: number;
}

const names: Readonly<Record<Name['kind'], readonly string[]>> = {
  Shelf: ['s0', 's1', 's2', 's3'],
  Book: ['b0', 'b1', 'b2', 'b3', 'b4', 'b5'],
  Count: ['c0', 'c1'],
};

export class Generator {
  readonly #random: Random;
  /** Makes specs of different clients differ. */
  readonly #mark: string;
  /** Seconds of trials; none: no trials. */
  readonly #trialSeconds: readonly number[];
  #count = 0;

  constructor(random: Random, mark: string, trialSeconds: readonly number[]) {
    this.#random = random;
    this.#mark = mark;
    this.#trialSeconds = trialSeconds;
  }

  next(memory: Memory): Operation {
    const random = this.#random;
    const dryRun = random() < 0.1;
    const roll = below(random, 100);
    if (roll < 14) return { do: 'get', of: this.#name() };
    if (roll < 24) return { do: 'list', kind: choose(random, kinds) };
    if (roll < 38) return { do: 'create', wish: this.#wish(), dryRun };
    if (roll < 56) {
      const wish = this.#wish();
      return { do: 'put', wish, dryRun, ...this.#match(memory, wish) };
    }
    if (roll < 66) {
      const name = this.#name();
      return { do: 'patch', wish: { ...name, spec: this.#patch(name) }, ...this.#match(memory, name) };
    }
    if (roll < 76) {
      const of = this.#name();
      return { do: 'delete', of, cascade: random() < 0.5, dryRun, ...this.#match(memory, of) };
    }
    if (roll < 94 || this.#trialSeconds.length === 0) return roll < 96 ? this.#apply(random() < 0.15) : this.#rollback(memory);
    if (memory.trials.length > 0 && random() < 0.6)
      return { do: 'decide', trial: choose(random, memory.trials), verdict: random() < 0.5 ? 'confirm' : 'revert' };
    return { ...this.#apply(false), confirm: choose(random, this.#trialSeconds) };
  }

  #apply(dryRun: boolean): Extract<Operation, { do: 'apply' }> {
    const random = this.#random;
    const wishes = new Map<string, Wish>();
    for (let left = 1 + below(random, 4); left > 0; left -= 1) {
      const wish = this.#wish();
      wishes.set(`${wish.kind}/${wish.name}`, wish);
    }
    const remove = random() < 0.3 ? [this.#name()] : [];
    return { do: 'apply', wishes: [...wishes.values()], remove, cascade: random() < 0.5, dryRun };
  }

  #rollback({ base, latest }: Memory): Operation {
    const depth = this.#random() < 0.1 ? latest - base : 70;
    const revision = Math.max(base, latest + 3 - below(this.#random, depth));
    return { do: 'rollback', revision, dryRun: this.#random() < 0.3 };
  }

  #name(): Name {
    const kind = choose(this.#random, ['Shelf', 'Book', 'Book', 'Count'] as const);
    return { kind, name: choose(this.#random, names[kind]) };
  }

  #wish(): Wish {
    const name = this.#name();
    return { ...name, spec: this.#spec(name) };
  }

  #spec({ kind }: Name): Spec {
    const random = this.#random;
    this.#count += 1;
    const mark = random() < 0.2 ? 'same' : `${this.#mark}-${this.#count}`;
    if (kind === 'Shelf') return { width: 1 + below(random, 4), mark };
    const shelf = choose(random, names.Shelf);
    if (kind === 'Count') return { shelf, mark };
    const title = random() < 0.04 ? 'forbidden' : choose(random, ['x', 'y']);
    return { shelf, title, mark, ...(random() < 0.25 ? { after: choose(random, names.Book) } : {}) };
  }

  #patch(name: Name): Spec {
    const { mark, shelf } = this.#spec(name);
    if (name.kind === 'Shelf') return this.#random() < 0.3 ? { width: below(this.#random, 5) } : { mark };
    return this.#random() < 0.3 ? { shelf, mark } : { mark };
  }

  #match({ revisions }: Memory, { kind, name }: Name): { readonly ifMatch?: number } {
    const known = revisions.get(`${kind}/${name}`);
    return known === undefined || this.#random() < 0.4 ? {} : { ifMatch: known };
  }
}
