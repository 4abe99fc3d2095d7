/** A forwarder that keeps rows and refuses what cannot be packed. */
import { packUpsert, type Row, type RowKey, rowId } from '@weft/kernel/contract/net';
import type { RowSet } from '@weft/kernel/sdk';

export class Table implements RowSet {
  readonly rows = new Map<string, Row>();
  changes = 0;
  /** Called whenever rows arrive. */
  onRows = (): void => undefined;

  replace(rows: readonly Row[]): Promise<void> {
    this.rows.clear();
    return this.update(rows, []);
  }

  update(upserts: readonly Row[], deletes: readonly RowKey[]): Promise<void> {
    for (const key of deletes) if (!this.rows.delete(rowId(key))) throw new Error(`${rowId(key)} is not there`);
    for (const row of upserts) {
      packUpsert(row);
      this.rows.set(rowId(row), row);
    }
    this.changes += upserts.length + deletes.length;
    this.onRows();
    return Promise.resolve();
  }

  list(): Row[] {
    return [...this.rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
  }

  of<Name extends Row['table']>(table: Name): Extract<Row, { table: Name }>[] {
    return this.list().filter((row): row is Extract<Row, { table: Name }> => row.table === table);
  }
}
