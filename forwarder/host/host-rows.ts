/** Rows of the forwarder's own. All who write some share one generation: another would end it. */
import type { Row, TableName } from '@weft/kernel/contract/net';
import { readRows } from '@weft/kernel/contract/net';
import type { Forwarder } from '../binding/index.ts';

/** Owner of the rows. No plugin may be called so. */
export const hostOwner = 'forwarder';

export class HostRows {
  readonly #forwarder: Pick<Forwarder, 'ownerOpen' | 'rowsBegin' | 'rowsApply' | 'rowsRead'>;
  readonly #owner: number;
  readonly #generation: number;

  constructor(forwarder: Pick<Forwarder, 'ownerOpen' | 'rowsBegin' | 'rowsApply' | 'rowsRead'>) {
    this.#forwarder = forwarder;
    this.#owner = forwarder.ownerOpen(hostOwner);
    this.#generation = forwarder.rowsBegin(this.#owner);
  }

  read<Name extends TableName>(table: Name): Extract<Row, { table: Name }>[] {
    return readRows(table, this.#forwarder.rowsRead(this.#owner, table)) as Extract<Row, { table: Name }>[];
  }

  /** Operations of packUpsert and packDelete; published whole. Throws what libforwarder refuses. */
  apply(ops: readonly Buffer[]): void {
    if (ops.length > 0) this.#forwarder.rowsApply(this.#owner, this.#generation, Buffer.concat(ops));
  }

  /** Number of a plugin. */
  ownerOpen(plugin: string): number {
    return this.#forwarder.ownerOpen(plugin);
  }
}
