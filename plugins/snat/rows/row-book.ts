/** The rows that are wanted, by owner, and which of them differ from those that were taken last. */
import { type Row, type RowKey, rowId } from '@weft/kernel/contract/net';

interface Entry {
  readonly owner: string;
  readonly row: Row;
}

export interface RowChange {
  readonly upserts: readonly Row[];
  readonly deletes: readonly RowKey[];
}

export class RowBook {
  readonly #entries = new Map<string, Entry>();
  readonly #idsOf = new Map<string, ReadonlySet<string>>();
  /** As they were when they were taken last, of those that were touched since; undefined: not there. */
  #before = new Map<string, Row | undefined>();

  get size(): number {
    return this.#entries.size;
  }

  rows(): readonly Row[] {
    return [...this.#entries.values()].map(({ row }) => row);
  }

  /** The rows of an owner from now on. What it has no more goes, unless another one took it. */
  set(owner: string, rows: readonly Row[]): void {
    const ids = new Set<string>();
    for (const row of rows) {
      const id = rowId(row);
      ids.add(id);
      this.#note(id);
      this.#entries.set(id, { owner, row });
    }
    for (const id of this.#idsOf.get(owner) ?? []) {
      if (ids.has(id) || this.#entries.get(id)?.owner !== owner) continue;
      this.#note(id);
      this.#entries.delete(id);
    }
    if (ids.size === 0) this.#idsOf.delete(owner);
    else this.#idsOf.set(owner, ids);
  }

  /** What differs since the last call. */
  take(): RowChange {
    const upserts: Row[] = [];
    const deletes: Row[] = [];
    for (const [id, before] of this.#before) {
      const row = this.#entries.get(id)?.row;
      if (row !== undefined && JSON.stringify(row) !== JSON.stringify(before)) upserts.push(row);
      if (row === undefined && before !== undefined) deletes.push(before);
    }
    this.#before = new Map();
    return { upserts, deletes };
  }

  #note(id: string): void {
    if (!this.#before.has(id)) this.#before.set(id, this.#entries.get(id)?.row);
  }
}
