/** Keeps the forwarder's rows equal to what the objects want, and only ever sends what differs. */
import { setImmediate as breathe } from 'node:timers/promises';
import { type Port, type Row, type RowKey, rowId, type Trunk, type Uplink, type VirtualNetwork } from '@weft/kernel/contract/net';
import type { ObjectKey, WeftObject } from '@weft/kernel/contract/system';
import type { ObjectCache, RowSet } from '@weft/kernel/sdk';
import type { NumbersHeld } from '../admission/admit.ts';
import { networkOf, resolve } from '../admission/world.ts';
import type { NetworkConfig } from '../config.ts';
import { Decisions, type Destination } from './decisions.ts';
import type { KnownRows } from './ecmp.ts';
import { networkWants, nothing, portWants, type Surroundings, trunkRows, type Wanted } from './object-rows.ts';
import { Topology, type Unit, uplinkOf } from './topology.ts';
import { uplinkWants } from './uplink-rows.ts';

const kinds = ['Uplink', 'VirtualNetwork', 'Trunk', 'Port', 'LogicalRouter'] as const;
type Settings = Pick<NetworkConfig, 'mtu' | 'floodRate'> & Pick<Surroundings, 'policy'>;

interface Placed {
  /** The object or the destination that wants the row. */
  readonly owner: Unit | Destination;
  readonly row: Row;
}
/** Rows as they were before a change, by id; undefined: not there. */
type Before = Map<string, Row | undefined>;

export class Programmer implements NumbersHeld {
  /** Numbers whose rows the forwarder may have. */
  readonly ports = new Set<number>();
  readonly vrfs = new Set<number>();
  readonly decisions = new Decisions();
  readonly #cache: Pick<ObjectCache, 'get' | 'list'>;
  readonly #rows: RowSet;
  readonly #settings: Settings;
  readonly #unitsAtOnce: number;
  readonly #topology: Topology;
  /** By row id. */
  readonly #placed = new Map<string, Placed>();
  readonly #idsOf = new Map<Placed['owner'], ReadonlySet<string>>();

  /** @param unitsAtOnce objects or destinations that are looked at before others get their turn, and whose rows are published at once */
  constructor(cache: Pick<ObjectCache, 'get' | 'list'>, rows: RowSet, settings: Settings, unitsAtOnce = 300) {
    this.#cache = cache;
    this.#unitsAtOnce = unitsAtOnce;
    this.#rows = rows;
    this.#settings = settings;
    this.#topology = new Topology(cache);
  }

  /** Sends the complete set; resolves once it is published. `known`: rows that the forwarder has from before. */
  async replace(known: KnownRows = { routes: [], nexthops: [], members: [] }): Promise<void> {
    const dirty = new Set(this.decisions.restore(known));
    const keys = kinds.flatMap((kind) => this.#cache.list(kind).map((object) => keyFor(kind, object)));
    // All paths stand before the first decision: a group keeps its places only while all of its members are known.
    for (const units of slices(this.#topology.update(keys), this.#unitsAtOnce)) {
      this.#settle(units, dirty);
      await breathe();
    }
    for (const destinations of slices(dirty, this.#unitsAtOnce)) {
      this.#decide(destinations);
      await breathe();
    }
    const rows = [...this.#placed.values()].map(({ row }) => row);
    for (const row of rows) this.#hold(row);
    await this.#rows.replace(rows);
  }

  /** Sends what the changed objects make different, many in several parts; resolves once all is published. */
  async update(changed: readonly ObjectKey[]): Promise<void> {
    let isFirst = true;
    for (const units of slices(this.#topology.update(changed), this.#unitsAtOnce)) {
      if (!isFirst) await breathe();
      isFirst = false;
      const dirty = new Set<Destination>();
      const before = this.#settle(units, dirty);
      this.#decide(dirty, before);
      await this.#publish(before);
    }
  }

  async #publish(changed: Before): Promise<void> {
    const upserts: Row[] = [];
    const deletes: Row[] = [];
    for (const [id, before] of changed) {
      const now = this.#placed.get(id)?.row;
      if (now && !(before && sameRow(before, now))) upserts.push(now);
      if (!now && before) deletes.push(before);
    }
    if (upserts.length === 0 && deletes.length === 0) return;
    for (const row of upserts) this.#hold(row);
    await this.#rows.update(upserts, deletes as readonly RowKey[]);
    for (const row of deletes) this.#release(row);
  }

  /** Places the rows that objects want now; returns all that were touched, and notes the destinations to decide anew. */
  #settle(units: readonly Unit[], dirty: Set<Destination>): Before {
    const before: Before = new Map();
    for (const unit of units) {
      const wanted = this.#wanted(unit);
      this.#place(unit, wanted.rows, before);
      for (const destination of this.decisions.set(unit, wanted)) dirty.add(destination);
    }
    return before;
  }

  #decide(destinations: Iterable<Destination>, before: Before = new Map()): void {
    for (const destination of destinations) this.#place(destination, this.decisions.rows(destination), before);
  }

  /** Makes `rows` the owner's. What it has no more goes, unless another one took it. */
  #place(owner: Placed['owner'], rows: readonly Row[], before: Before): void {
    const ids = new Set<string>();
    for (const row of rows) {
      const id = rowId(row);
      ids.add(id);
      if (!before.has(id)) before.set(id, this.#placed.get(id)?.row);
      this.#placed.set(id, { owner, row });
    }
    for (const id of this.#idsOf.get(owner) ?? []) {
      const placed = this.#placed.get(id);
      if (ids.has(id) || placed?.owner !== owner) continue;
      if (!before.has(id)) before.set(id, placed.row);
      this.#placed.delete(id);
    }
    if (ids.size === 0) this.#idsOf.delete(owner);
    else this.#idsOf.set(owner, ids);
  }

  #wanted(unit: Unit): Wanted {
    const [kind = '', ...scope] = unit.split('/');
    const name = scope.at(-1) ?? '';
    const key = scope.length === 1 ? { kind, name } : { kind, project: scope[0] ?? '', name };
    switch (kind) {
      case 'Uplink': {
        const uplink = this.#topology.object<Uplink>(key);
        return uplink ? uplinkWants(uplink, this.#settings) : nothing;
      }
      case 'VirtualNetwork': {
        const network = this.#topology.object<VirtualNetwork>(key);
        return network ? this.#networkWants(network, scope.join('/')) : nothing;
      }
      case 'Trunk': {
        const trunk = this.#topology.object<Trunk>(key);
        return trunk ? { ...nothing, rows: trunkRows(trunk, this.#trunkMtu(unit)) } : nothing;
      }
      case 'Port': {
        const port = this.#topology.object<Port>(key);
        return port ? this.#portWants(port) : nothing;
      }
      default:
        return nothing;
    }
  }

  /** Enough for the networks of all its ports. */
  #trunkMtu(trunk: Unit): number {
    const networks = this.#topology.networksOver(trunk).flatMap((network) => this.#lookUp<VirtualNetwork>('VirtualNetwork', network) ?? []);
    return Math.max(this.#settings.mtu, ...networks.map(({ status }) => status.mtu));
  }

  #networkWants(network: VirtualNetwork, scoped: string): Wanted {
    const uplink = network.spec.underlay === undefined ? undefined : this.#topology.object<Uplink>(uplinkOf(network.spec.underlay));
    return networkWants(network, { peers: this.#peers(scoped), uplink }, this.#settings);
  }

  #portWants(port: Port): Wanted {
    const network = this.#lookUp<VirtualNetwork>('VirtualNetwork', networkOf(port));
    const { binding } = port.spec;
    const trunk = binding.type === 'vlan' ? this.#lookUp<Trunk>('Trunk', resolve(port.metadata.project, binding.parent)) : undefined;
    if (!network || (binding.type === 'vlan' && !trunk)) return nothing;
    return portWants(port, network, { trunk, peers: this.#peers(networkOf(port)), policy: this.#settings.policy });
  }

  #peers(network: string): readonly number[] {
    return this.#topology.peersOf(network).map((peer) => peer.status.id);
  }

  #lookUp<T extends WeftObject<object, object>>(kind: string, scoped: string): T | undefined {
    const [project, name] = scoped.split('/');
    return this.#topology.object<T>({ kind, ...(project ? { project } : {}), name: name ?? '' });
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

function* slices<T>(items: Iterable<T>, size: number): Generator<readonly T[]> {
  const all = [...items];
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size);
}

function keyFor(kind: string, object: WeftObject): ObjectKey {
  const { project, name } = object.metadata;
  return { kind, ...(project === undefined ? {} : { project }), name };
}

function sameRow(a: Row, b: Row): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
