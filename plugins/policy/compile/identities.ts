/**
 * Numbers of identities: one for each distinct set of groups that ports have. What a number means never changes while a port has it, and a number that
 * no port has any more waits behind all others before it means something else: packets and flows that carry it may still be under way.
 */
import { type IdentityGroupRow, identityRange, type PortIdentityRow } from '@weft/kernel/contract/net';

/** A group that an identity belongs to, and the gate in which its rules are asked. */
export interface Membership {
  readonly group: number;
  readonly gate: number;
}

export interface Identity {
  readonly number: number;
  readonly memberships: readonly Membership[];
}

interface Held {
  readonly identity: Identity;
  ports: number;
}

/** Rows of table `identity_group` that fit into the forwarder, with some room left. */
const mostRows = 500_000;

export class Identities {
  /** By their memberships. */
  readonly #held = new Map<string, Held>();
  readonly #used = new Set<number>();
  /** Given back, the oldest first. */
  readonly #freed = new Set<number>();
  /** Of an earlier life: numbers by memberships, until they are asked for. */
  #known: Map<string, number>;
  #rows = 0;
  /** Numbers that were never given out are taken round once, from here. */
  #cursor: number = identityRange.least;
  #untried = identityRange.most - identityRange.least + 1;

  /** @param groups, ports rows that the forwarder has of an earlier life */
  constructor(groups: readonly IdentityGroupRow[] = [], ports: readonly PortIdentityRow[] = []) {
    const members = Map.groupBy(groups, ({ identity }) => identity);
    const numbers = [...new Set([...members.keys(), ...ports.map(({ identity }) => identity)])].sort((a, b) => b - a);
    // Of two with the same groups the lower one stays.
    this.#known = new Map(numbers.map((number) => [keyOf(sorted(members.get(number) ?? [])), number]));
    for (const number of numbers) this.#used.add(number);
    if (numbers[0] !== undefined && numbers[0] < identityRange.most) this.#cursor = numbers[0] + 1;
  }

  /** Identities that ports have. */
  get size(): number {
    return this.#held.size;
  }

  /** Rows of table `identity_group`. */
  get rows(): number {
    return this.#rows;
  }

  list(): Iterable<Identity> {
    return this.#held.values().map(({ identity }) => identity);
  }

  /** The identity of another port; undefined when there is no room for a new one. */
  take(memberships: readonly Membership[]): { readonly identity: Identity; readonly isNew: boolean } | undefined {
    const all = sorted(memberships);
    const key = keyOf(all);
    const held = this.#held.get(key);
    if (held !== undefined) {
      held.ports += 1;
      return { identity: held.identity, isNew: false };
    }
    const number = this.#rows + all.length > mostRows ? undefined : (this.#known.get(key) ?? this.#number());
    if (number === undefined) return undefined;
    this.#known.delete(key);
    const identity = { number, memberships: all };
    this.#held.set(key, { identity, ports: 1 });
    this.#used.add(number);
    this.#rows += all.length;
    return { identity, isNew: true };
  }

  /** A port has it no more. Returns whether no port has: then its rows go. */
  release({ number, memberships }: Identity): boolean {
    const key = keyOf(memberships);
    const held = this.#held.get(key);
    if (held === undefined || --held.ports > 0) return false;
    this.#held.delete(key);
    this.#used.delete(number);
    this.#freed.add(number);
    this.#rows -= memberships.length;
    return true;
  }

  /** All that was there at the start has asked: what is left of the earlier life is free. */
  forget(): void {
    this.#known = new Map();
    const held = new Set([...this.list()].map(({ number }) => number));
    for (const number of this.#used) if (!held.has(number)) this.#freed.add(number);
    for (const number of this.#freed) this.#used.delete(number);
  }

  #number(): number | undefined {
    while (this.#untried > 0) {
      const number = this.#cursor;
      this.#cursor = number === identityRange.most ? identityRange.least : number + 1;
      this.#untried -= 1;
      if (!this.#used.has(number) && !this.#freed.has(number)) return number;
    }
    const [oldest] = this.#freed;
    if (oldest !== undefined) this.#freed.delete(oldest);
    return oldest;
  }
}

function sorted(memberships: readonly Membership[]): readonly Membership[] {
  return memberships.map(({ group, gate }) => ({ group, gate })).sort((a, b) => a.group - b.group);
}

function keyOf(memberships: readonly Membership[]): string {
  return memberships.map(({ group, gate }) => `${group}:${gate}`).join(' ');
}
