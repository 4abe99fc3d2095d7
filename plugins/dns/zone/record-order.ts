/** The order in which several records of one name and type are told. */
import type { ResolverSpec } from '@weft/kernel/contract/net';
import type { ResourceRecord } from '../message/codec.ts';

export type OrderMode = NonNullable<ResolverSpec['recordOrder']>;

/** Turns remembered at most; the oldest go first, and begin anew. */
const mostTurns = 4096;

export class RecordOrder {
  readonly #turns = new Map<string, number>();
  readonly #random: () => number;

  /** @param random numbers in [0, 1) */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** The records as they are to be told: the same array when there is nothing to choose. `key`: what takes turns of its own. */
  arrange(records: readonly ResourceRecord[], mode: OrderMode, key: string): readonly ResourceRecord[] {
    if (mode === 'fixed' || records.length < 2) return records;
    const sets = setsOf(records);
    if (sets.length === records.length) return records;
    if (mode === 'random') return sets.flatMap((set) => this.#shuffled(set));
    const turn = this.#turns.get(key) ?? Math.floor(this.#random() * 0x10000);
    this.#remember(key, turn + 1);
    return sets.flatMap((set) => [...set.slice(turn % set.length), ...set.slice(0, turn % set.length)]);
  }

  #shuffled(set: readonly ResourceRecord[]): readonly ResourceRecord[] {
    const shuffled = [...set];
    for (const [index, record] of set.entries()) {
      // Fisher and Yates, inside out: sets have thousands of records.
      const place = Math.floor(this.#random() * (index + 1));
      shuffled[index] = shuffled[place] ?? record;
      shuffled[place] = record;
    }
    return shuffled;
  }

  #remember(key: string, turn: number): void {
    this.#turns.delete(key);
    this.#turns.set(key, turn);
    const [oldest] = this.#turns.keys();
    if (this.#turns.size > mostTurns && oldest !== undefined) this.#turns.delete(oldest);
  }
}

/** Neighbours of one owner and type. A chain of aliases stays one record after the other. */
function setsOf(records: readonly ResourceRecord[]): readonly (readonly ResourceRecord[])[] {
  const sets: ResourceRecord[][] = [];
  for (const record of records) {
    const last = sets.at(-1);
    const [first] = last ?? [];
    if (last !== undefined && first?.type === record.type && sameName(first, record)) last.push(record);
    else sets.push([record]);
  }
  return sets;
}

function sameName(a: ResourceRecord, b: ResourceRecord): boolean {
  return a.name === b.name || (a.name.length === b.name.length && a.name.every((label, index) => label === b.name[index]));
}
