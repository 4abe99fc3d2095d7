/** The rows that a plugin wants in the forwarder, changed in place: a change costs its own rows, however many there are. */
import { packDelete, packUpsert, type Row, type RowKey, rowId } from '../contract/net/index.ts';

interface Wanted {
  readonly row: Row;
  /** The packed operation. */
  readonly upsert: Buffer;
}

/** What rows become, by id: another row, or null, none. */
export type RowChanges = ReadonlyMap<string, Wanted | null>;

/** The part of a Map that is needed. */
export type RowMap = Pick<Map<string, Wanted>, 'get' | 'set' | 'delete' | 'values' | 'keys' | 'size'>;

export interface Changed {
  /** Packed operations that bring the former rows to the present ones, deletes first. */
  readonly ops: readonly Buffer[];
  /** Brings the former rows back. To be called before any other change, or never. */
  readonly undo: () => void;
}

/** A row that is both deleted and upserted is upserted. Throws a RangeError that names the field that does not fit. */
export function rowChanges(upserts: readonly Row[], deletes: readonly RowKey[] = []): RowChanges {
  const changes = new Map<string, Wanted | null>();
  for (const key of deletes) changes.set(rowId(key), null);
  for (const row of upserts) changes.set(rowId(row), { row, upsert: packUpsert(row) });
  return changes;
}

export class WantedRows {
  readonly #rows: RowMap;

  constructor(rows: RowMap = new Map()) {
    this.#rows = rows;
  }

  get size(): number {
    return this.#rows.size;
  }

  /** Operations that bring an empty forwarder here. */
  upserts(): Buffer[] {
    return [...this.#rows.values()].map(({ upsert }) => upsert);
  }

  /** Completes the changes to a whole set: every row that they do not name goes. */
  whole(changes: RowChanges): RowChanges {
    const completed = new Map(changes);
    for (const id of this.#rows.keys()) if (!changes.has(id)) completed.set(id, null);
    return completed;
  }

  change(changes: RowChanges): Changed {
    const former: [string, Wanted | undefined][] = [];
    const deletes: Buffer[] = [];
    const upserts: Buffer[] = [];
    for (const [id, next] of changes) {
      const before = this.#rows.get(id);
      if (next === null ? before === undefined : before?.upsert.equals(next.upsert) === true) continue;
      former.push([id, before]);
      if (next !== null) upserts.push(next.upsert);
      else if (before !== undefined) deletes.push(packDelete(before.row));
      this.#put(id, next ?? undefined);
    }
    return { ops: [...deletes, ...upserts], undo: () => former.forEach(([id, before]) => void this.#put(id, before)) };
  }

  #put(id: string, row: Wanted | undefined): void {
    if (row === undefined) this.#rows.delete(id);
    else this.#rows.set(id, row);
  }
}
