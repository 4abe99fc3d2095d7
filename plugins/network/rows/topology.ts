/** Which objects depend on which, by `project/name`, kept while objects come and go. */
import type { LogicalRouter, Port, VirtualNetwork } from '@weft/kernel/contract/net';
import { formatKey, type ObjectKey, type WeftObject } from '@weft/kernel/contract/system';
import type { ObjectCache } from '@weft/kernel/sdk';
import { membersOf } from '../admission/routers.ts';
import { networkOf, resolve } from '../admission/world.ts';
import { KnownFacts } from './facts.ts';

/** Identity of an object whose rows stand together, as `Kind/project/name`. */
export type Unit = string;

export function uplinkOf(name: string): ObjectKey {
  return { kind: 'Uplink', name };
}

export class Topology {
  readonly #cache: Pick<ObjectCache, 'get'>;
  /** Ports to their network and, second, their trunk. */
  readonly #portsOf = new Index();
  readonly #routersOf = new Index();
  /** Networks to the uplink that they are routed through. */
  readonly #underlaysOf = new Index();
  readonly #facts = new KnownFacts();

  constructor(cache: Pick<ObjectCache, 'get'>) {
    this.#cache = cache;
  }

  /** Takes note of changed objects; returns every unit whose rows may differ now. */
  update(changed: readonly ObjectKey[]): ReadonlySet<Unit> {
    const units = new Set<Unit>();
    const leading: ObjectKey[] = [];
    for (const key of changed) {
      const unit = formatKey(key);
      const reach = this.#facts.note(unit, this.#cache.get(key));
      if (reach === 'none') continue;
      if (reach === 'dependants') leading.push(key);
      units.add(unit);
      if (key.kind === 'Port') {
        this.#addTrunk(unit, units);
        this.#notePort(key, unit);
        this.#addTrunk(unit, units);
      }
      if (key.kind === 'VirtualNetwork') this.#noteNetwork(key, unit);
      if (key.kind === 'LogicalRouter') {
        const before = this.#routersOf.targetsOf(unit);
        this.#noteRouter(key, unit);
        for (const network of [...before, ...this.#routersOf.targetsOf(unit)]) this.#addNetwork(network, units);
      }
    }
    for (const { kind, project, name } of leading) {
      const target = `${project ?? ''}/${name}`;
      if (kind === 'VirtualNetwork') {
        this.#addNetwork(target, units);
        for (const router of this.#routersOf.sourcesOf(target))
          for (const peer of this.#routersOf.targetsOf(router)) this.#addNetwork(peer, units);
      }
      if (kind === 'Uplink') for (const network of this.#underlaysOf.sourcesOf(name)) units.add(network);
      if (kind === 'Trunk') for (const port of this.#portsOf.sourcesOf(trunkTarget(target))) units.add(port);
    }
    return units;
  }

  /** An object that rows are made from, as it is now. */
  object<T extends WeftObject<object, object>>(key: ObjectKey): T | undefined {
    const object = this.#cache.get(key);
    this.#facts.used(formatKey(key), object);
    return object as T | undefined;
  }

  /** The networks that a router joins with this one. */
  peersOf(network: string): readonly VirtualNetwork[] {
    const peers = [...this.#routersOf.sourcesOf(network)].flatMap((router) => [...this.#routersOf.targetsOf(router)]);
    return peers.filter((peer) => peer !== network).flatMap((peer) => this.#network(peer) ?? []);
  }

  /** The networks of the ports that a trunk carries. */
  networksOver(trunk: Unit): readonly string[] {
    const ports = this.#portsOf.sourcesOf(trunkTarget(trunk.slice('Trunk/'.length)));
    return [...new Set([...ports].flatMap((port) => this.#portsOf.targetsOf(port).slice(0, 1)))];
  }

  #addNetwork(network: string, units: Set<Unit>): void {
    units.add(`VirtualNetwork/${network}`);
    for (const port of this.#portsOf.sourcesOf(network)) {
      units.add(port);
      this.#addTrunk(port, units);
    }
  }

  /** The trunk of a port, whose MTU follows its ports. */
  #addTrunk(port: Unit, units: Set<Unit>): void {
    const [, trunk] = this.#portsOf.targetsOf(port);
    if (trunk !== undefined) units.add(`Trunk/${trunk.slice(trunkTarget('').length)}`);
  }

  #notePort(key: ObjectKey, unit: Unit): void {
    const port = this.#cache.get<Port>(key);
    const binding = port?.spec.binding;
    const trunk = binding?.type === 'vlan' ? [trunkTarget(resolve(key.project, binding.parent))] : [];
    this.#portsOf.set(unit, port ? [networkOf(port), ...trunk] : []);
  }

  #noteNetwork(key: ObjectKey, unit: Unit): void {
    const underlay = this.#cache.get<VirtualNetwork>(key)?.spec.underlay;
    this.#underlaysOf.set(unit, underlay === undefined ? [] : [underlay]);
  }

  #noteRouter(key: ObjectKey, unit: Unit): void {
    const router = this.#cache.get<LogicalRouter>(key);
    this.#routersOf.set(unit, router ? membersOf(router) : []);
  }

  #network(scoped: string): VirtualNetwork | undefined {
    const [project, name] = scoped.split('/');
    return this.object<VirtualNetwork>({ kind: 'VirtualNetwork', ...(project ? { project } : {}), name: name ?? '' });
  }
}

/** Trunks beside networks among the targets of ports. */
const trunkTarget = (trunk: string): string => `trunk ${trunk}`;

/** A relation that can be read from both ends. */
class Index {
  readonly #targets = new Map<string, readonly string[]>();
  readonly #sources = new Map<string, Set<string>>();

  set(source: string, targets: readonly string[]): void {
    for (const target of this.targetsOf(source)) {
      const sources = this.#sources.get(target);
      sources?.delete(source);
      if (sources?.size === 0) this.#sources.delete(target);
    }
    if (targets.length === 0) this.#targets.delete(source);
    else this.#targets.set(source, targets);
    for (const target of targets) {
      const sources = this.#sources.get(target) ?? new Set();
      this.#sources.set(target, sources.add(source));
    }
  }

  targetsOf(source: string): readonly string[] {
    return this.#targets.get(source) ?? [];
  }

  sourcesOf(target: string): ReadonlySet<string> {
    return this.#sources.get(target) ?? empty;
  }
}

const empty: ReadonlySet<string> = new Set();
