/** The rows that a plugin wants in the forwarder, changed in place: a change costs its own rows, however many there are. */
import { setImmediate as breathe } from 'node:timers/promises';
import { deletionOf, operationId, packDelete, packUpsert, type Row, type RowKey } from '../contract/net/index.ts';

/** A packed operation, a character for each byte: a tenth of the memory that a Buffer of its own takes. */
export type PackedText = string;

/** What rows become, by id: the upsert of another row, or null, none. */
export type RowChanges = ReadonlyMap<string, PackedText | null>;

/** The part of a Map that is needed. */
export type RowMap = Pick<Map<string, PackedText>, 'get' | 'set' | 'delete' | 'values' | 'keys' | 'size'>;

export interface Changed {
  /** Operations that bring the former rows to the present ones, deletes first. */
  readonly ops: readonly PackedText[];
  /** Brings the former rows back. To be called before any other change, or never. */
  readonly undo: () => void;
}

/** Rows that are packed before others get their turn. */
const rowsAtOnce = 2_000;

/** A row that is both deleted and upserted is upserted. Rejects with a RangeError that names the field that does not fit. */
export async function rowChanges(upserts: readonly Row[], deletes: readonly RowKey[] = []): Promise<RowChanges> {
  const changes = new Map<string, PackedText | null>();
  for (const key of deletes) changes.set(operationId(packDelete(key)), null);
  for (const [index, row] of upserts.entries()) {
    if (index % rowsAtOnce === rowsAtOnce - 1) await breathe();
    const upsert = packUpsert(row);
    changes.set(operationId(upsert), upsert.toString('latin1'));
  }
  return changes;
}

/** Operations as they travel: back to back. */
export function bytesOf(ops: readonly PackedText[]): Buffer {
  return Buffer.from(ops.join(''), 'latin1');
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
  upserts(): PackedText[] {
    return [...this.#rows.values()];
  }

  /** Completes the changes to a whole set: every row that they do not name goes. */
  whole(changes: RowChanges): RowChanges {
    const completed = new Map(changes);
    for (const id of this.#rows.keys()) if (!changes.has(id)) completed.set(id, null);
    return completed;
  }

  change(changes: RowChanges): Changed {
    const former: [string, PackedText | undefined][] = [];
    const deletes: PackedText[] = [];
    const upserts: PackedText[] = [];
    for (const [id, next] of changes) {
      const before = this.#rows.get(id);
      if (before === (next ?? undefined)) continue;
      former.push([id, before]);
      if (next !== null) upserts.push(next);
      else if (before !== undefined) deletes.push(deletionOf(Buffer.from(before, 'latin1')).toString('latin1'));
      this.#put(id, next ?? undefined);
    }
    return { ops: [...deletes, ...upserts], undo: () => former.forEach(([id, before]) => void this.#put(id, before)) };
  }

  #put(id: string, upsert: PackedText | undefined): void {
    if (upsert === undefined) this.#rows.delete(id);
    else this.#rows.set(id, upsert);
  }
}
