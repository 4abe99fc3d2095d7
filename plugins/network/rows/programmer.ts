/** Keeps the forwarder's rows equal to what the objects want, and only ever sends what differs. */
import { type Port, type Row, type RowKey, rowId, type Trunk, type VirtualNetwork } from '@weft/kernel/contract/net';
import type { ObjectKey, WeftObject } from '@weft/kernel/contract/system';
import type { ObjectCache, RowSet } from '@weft/kernel/sdk';
import type { NumbersHeld } from '../admission/admit.ts';
import { networkOf, resolve } from '../admission/world.ts';
import { networkRows, portRows, trunkRows } from './object-rows.ts';
import { Topology, type Unit } from './topology.ts';

const kinds = ['VirtualNetwork', 'Trunk', 'Port', 'LogicalRouter'] as const;
interface Placed {
  readonly unit: Unit;
  readonly row: Row;
}

export class Programmer implements NumbersHeld {
  /** Numbers whose rows the forwarder may have. */
  readonly ports = new Set<number>();
  readonly vrfs = new Set<number>();
  readonly #cache: Pick<ObjectCache, 'get' | 'list'>;
  readonly #rows: RowSet;
  readonly #trunkMtu: number;
  readonly topology: Topology;
  /** By row id. */
  readonly #placed = new Map<string, Placed>();
  readonly #idsOf = new Map<Unit, ReadonlySet<string>>();

  constructor(cache: Pick<ObjectCache, 'get' | 'list'>, rows: RowSet, trunkMtu: number) {
    this.#cache = cache;
    this.#rows = rows;
    this.#trunkMtu = trunkMtu;
    this.topology = new Topology(cache);
  }

  /** Sends the complete set; resolves once it is published. */
  async replace(): Promise<void> {
    const keys = kinds.flatMap((kind) => this.#cache.list(kind).map((object) => keyFor(kind, object)));
    for (const unit of this.topology.update(keys)) this.#place(unit, this.#wanted(unit), new Map());
    const rows = [...this.#placed.values()].map(({ row }) => row);
    for (const row of rows) this.#hold(row);
    await this.#rows.replace(rows);
  }

  /** Sends what the changed objects make different; resolves once it is published. */
  async update(changed: readonly ObjectKey[]): Promise<void> {
    const upserts: Row[] = [];
    const gone = new Map<string, Row>();
    for (const unit of this.topology.update(changed)) upserts.push(...this.#place(unit, this.#wanted(unit), gone));
    // A row that one object gave up and another took is an upsert, whichever came first.
    const deletes = [...gone].filter(([id]) => !this.#placed.has(id)).map(([, row]) => row);
    if (upserts.length === 0 && deletes.length === 0) return;
    for (const row of upserts) this.#hold(row);
    await this.#rows.update(upserts, deletes as readonly RowKey[]);
    for (const row of deletes) this.#release(row);
  }

  /** Makes `rows` the unit's; returns those that are new or differ and notes in `gone` those that it has no more. */
  #place(unit: Unit, rows: readonly Row[], gone: Map<string, Row>): readonly Row[] {
    const ids = new Set<string>();
    const upserts = rows.filter((row) => {
      const id = rowId(row);
      ids.add(id);
      const known = this.#placed.get(id);
      this.#placed.set(id, { unit, row });
      return !known || !sameRow(known.row, row);
    });
    for (const id of this.#idsOf.get(unit) ?? []) {
      const placed = this.#placed.get(id);
      if (ids.has(id) || placed?.unit !== unit) continue;
      this.#placed.delete(id);
      gone.set(id, placed.row);
    }
    if (ids.size === 0) this.#idsOf.delete(unit);
    else this.#idsOf.set(unit, ids);
    return upserts;
  }

  #wanted(unit: Unit): readonly Row[] {
    const [kind, project, name] = unit.split('/');
    const key = { kind: kind ?? '', ...(project ? { project } : {}), name: name ?? '' };
    switch (kind) {
      case 'VirtualNetwork': {
        const network = this.#cache.get<VirtualNetwork>(key);
        return network ? networkRows(network, this.#peers(`${project}/${name}`)) : [];
      }
      case 'Trunk': {
        const trunk = this.#cache.get<Trunk>(key);
        return trunk ? trunkRows(trunk, this.#trunkMtu) : [];
      }
      case 'Port': {
        const port = this.#cache.get<Port>(key);
        return port ? this.#portRows(port) : [];
      }
      default:
        return [];
    }
  }

  #portRows(port: Port): readonly Row[] {
    const network = this.#lookUp<VirtualNetwork>('VirtualNetwork', networkOf(port));
    const { binding } = port.spec;
    const trunk = binding.type === 'vlan' ? this.#lookUp<Trunk>('Trunk', resolve(port.metadata.project, binding.parent)) : undefined;
    if (!network || (binding.type === 'vlan' && !trunk)) return [];
    return portRows(port, network, trunk, this.#peers(networkOf(port)));
  }

  #peers(network: string): readonly number[] {
    return this.topology.peersOf(network).map((peer) => peer.status.id);
  }

  #lookUp<T extends WeftObject<object, object>>(kind: string, scoped: string): T | undefined {
    const [project, name] = scoped.split('/');
    return this.#cache.get({ kind, ...(project ? { project } : {}), name: name ?? '' }) as unknown as T | undefined;
  }

  #hold(row: Row): void {
    if (row.table === 'port') this.ports.add(row.id);
    if (row.table === 'vrf') this.vrfs.add(row.id);
  }

  #release(row: Row): void {
    if (row.table === 'port') this.ports.delete(row.id);
    if (row.table === 'vrf') this.vrfs.delete(row.id);
  }
}

function keyFor(kind: string, object: WeftObject): ObjectKey {
  const { project, name } = object.metadata;
  return { kind, ...(project === undefined ? {} : { project }), name };
}

function sameRow(a: Row, b: Row): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
