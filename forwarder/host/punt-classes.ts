/**
 * The numbers of punt classes: one per plugin and class name, written as rows of the forwarder's own and so the same after any restart.
 * Rows of a plugin that is not a peer at present stay.
 */
import { type PuntClassRow, packDelete, packUpsert, readRows } from '@weft/kernel/contract/net';
import type { PuntClassSpec } from '@weft/kernel/contract/system';
import { fail } from '@weft/kernel/contract/system';
import type { Forwarder } from '../binding/index.ts';

/** Owner of the rows. No plugin may be called so. */
export const hostOwner = 'forwarder';
/** libforwarder knows classes 0 to 255; 0 is never used. */
const classLimit = 256;

type Rows = Pick<Forwarder, 'ownerOpen' | 'rowsBegin' | 'rowsApply' | 'rowsRead'>;

export class PuntClasses {
  readonly #forwarder: Rows;
  readonly #owner: number;
  readonly #generation: number;

  constructor(forwarder: Rows) {
    this.#forwarder = forwarder;
    this.#owner = forwarder.ownerOpen(hostOwner);
    this.#generation = forwarder.rowsBegin(this.#owner);
  }

  /** Makes the rows of a plugin match its manifest; returns its classes' numbers by name. Throws UNAVAILABLE when no number is left. */
  set(plugin: string, specs: readonly PuntClassSpec[]): Record<string, number> {
    const rows = readRows('punt_class', this.#forwarder.rowsRead(this.#owner, 'punt_class')) as PuntClassRow[];
    const receiver = this.#forwarder.ownerOpen(plugin);
    const taken = new Set(rows.map((row) => row.id));
    const numbers: Record<string, number> = {};
    const ops: Buffer[] = [];
    for (const spec of specs) {
      const id = rows.find((row) => row.receiver === receiver && row.name === spec.name)?.id ?? lowestFree(taken);
      taken.add(id);
      numbers[spec.name] = id;
      const { name, rate, burst, portRate, portBurst } = spec;
      ops.push(packUpsert({ table: 'punt_class', id, receiver, name, rate, burst, portRate, portBurst }));
    }
    for (const row of rows)
      if (row.receiver === receiver && !(row.name in numbers)) ops.push(packDelete({ table: 'punt_class', id: row.id }));
    if (ops.length > 0) this.#forwarder.rowsApply(this.#owner, this.#generation, Buffer.concat(ops));
    return numbers;
  }
}

function lowestFree(taken: ReadonlySet<number>): number {
  for (let id = 1; id < classLimit; id++) if (!taken.has(id)) return id;
  throw fail('UNAVAILABLE', `all ${classLimit - 1} punt classes are in use`, 'disable a plugin');
}
