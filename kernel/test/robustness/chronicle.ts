/** The change log of the kernel, read at rest: transactions in order, and the world after each of them. */
import type { ObjectEvent } from '../../contract/system/index.ts';
import { applied, type Effect, idOf, type Past, type Thing, type World } from './model.ts';
import { type Kind, kinds } from './operations.ts';

/** One entry of `GET /v1/history`. */
export interface HistoryItem {
  readonly revision: number;
  readonly transaction: number;
  readonly subject: string;
}

export interface Transaction {
  readonly first: number;
  readonly last: number;
  /** Who asked for it: `token:c1`, `plugin:tally`, `system:kernel`. */
  readonly subject: string;
  readonly events: readonly ObjectEvent[];
  /** On objects of the model's kinds. */
  readonly effects: readonly Effect[];
}

export class Chronicle {
  readonly transactions: Transaction[] = [];
  /** `worlds[n]`: after the first n transactions. */
  readonly worlds: World[] = [new Map()];
  /** Revision before the first transaction. */
  readonly base: number;

  constructor(base: number) {
    this.base = base;
  }

  get last(): number {
    return this.transactions.at(-1)?.last ?? this.base;
  }

  /** Adds what was written since. @throws when revisions are missing, double or torn apart */
  extend(events: readonly ObjectEvent[], history: readonly HistoryItem[]): void {
    const items = new Map(history.map((item) => [item.revision, item]));
    let open: ObjectEvent[] = [];
    for (const event of events) {
      const item = items.get(event.revision);
      const expected = this.last + open.length + 1;
      if (event.revision !== expected) throw new Error(`the log has revision ${event.revision} where ${expected} is due`);
      if (item === undefined) throw new Error(`revision ${event.revision} is watched, but not in the history`);
      open.push(event);
      if (item.transaction < event.revision) throw new Error(`revision ${event.revision} is beyond its transaction ${item.transaction}`);
      if (item.transaction > event.revision) continue;
      this.#add(open, item.subject);
      open = [];
    }
    if (open.length > 0) throw new Error(`half a transaction in the log: ${open.map(({ revision }) => revision).join(', ')}`);
  }

  /** Number of the world in which a transaction has just happened; undefined: no transaction ends there. */
  after(revision: number): number | undefined {
    const at = this.transactions.findIndex(({ last }) => last === revision);
    return at < 0 ? undefined : at + 1;
  }

  /** Number of the first world that holds a revision. */
  holding(revision: number): number {
    const at = this.transactions.findIndex(({ last }) => last >= revision);
    return at < 0 ? this.worlds.length - 1 : at + 1;
  }

  /** Last revision of a world. */
  revisionAt(world: number): number {
    return world === 0 ? this.base : (this.transactions[world - 1]?.last ?? this.base);
  }

  world(number: number): World {
    const world = this.worlds[number];
    if (world === undefined) throw new Error(`there is no world ${number}`);
    return world;
  }

  /** The past as it looked in a world. */
  past(world: number): Past {
    return {
      changedSince: (revision) => {
        const first = new Map<string, Thing | null>();
        for (const { last, events, effects } of this.transactions.slice(0, world)) {
          if (last <= revision) continue;
          for (const [at, { id, before }] of effects.entries())
            if ((events[at]?.revision ?? last) > revision && !first.has(id)) first.set(id, before);
        }
        return [...first];
      },
    };
  }

  #add(events: readonly ObjectEvent[], subject: string): void {
    const world = this.world(this.worlds.length - 1);
    const known = events.filter(({ object }) => (kinds as readonly string[]).includes(object.kind));
    const effects = known.map((event): Effect => {
      const thing = thingOf(event);
      const before = world.get(idOf(thing)) ?? null;
      return { id: idOf(thing), before, after: event.type === 'deleted' ? null : thing };
    });
    const [first, last] = [events[0]?.revision ?? 0, events.at(-1)?.revision ?? 0];
    this.transactions.push({ first, last, subject, events: known, effects });
    this.worlds.push(applied(world, effects));
  }
}

export function thingOf({ object }: Pick<ObjectEvent, 'object'>): Thing {
  const { kind, metadata, spec, status } = object;
  const { name, uid, revision, generation } = metadata;
  return { kind: kind as Kind, name, uid, revision, generation, spec, status };
}
