/**
 * The numbers of punt classes: one per plugin and class name, written as rows of the forwarder's own and so the same after any restart.
 * Rows of a plugin that is not a peer at present stay.
 */
import { packDelete, packUpsert } from '@weft/kernel/contract/net';
import type { PuntClassSpec } from '@weft/kernel/contract/system';
import { fail } from '@weft/kernel/contract/system';
import type { HostRows } from './host-rows.ts';

/** libforwarder knows classes 0 to 255; 0 is never used. */
const classLimit = 256;

export class PuntClasses {
  readonly #rows: HostRows;

  constructor(rows: HostRows) {
    this.#rows = rows;
  }

  /** Makes the rows of a plugin match its manifest; returns its classes' numbers by name. Throws UNAVAILABLE when no number is left. */
  set(plugin: string, specs: readonly PuntClassSpec[]): Record<string, number> {
    const rows = this.#rows.read('punt_class');
    const receiver = this.#rows.ownerOpen(plugin);
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
    this.#rows.apply(ops);
    return numbers;
  }
}

function lowestFree(taken: ReadonlySet<number>): number {
  for (let id = 1; id < classLimit; id++) if (!taken.has(id)) return id;
  throw fail('UNAVAILABLE', `all ${classLimit - 1} punt classes are in use`, 'disable a plugin');
}
