/**
 * Who may see which names: per network the hosts of its ports, per port the networks that its queries are answered from. Names never leave that
 * circle: a port sees its own network and those that share a LogicalRouter with it.
 */
import type { LogicalRouter, Port, ResolverSpec, VirtualNetwork } from '@weft/kernel/contract/net';
import { formatKey, keyOf, referencedKey, type WeftObject } from '@weft/kernel/contract/system';
import { type ObjectCache, PortIndex } from '@weft/kernel/sdk';
import type { DnsRecord } from '../kinds.ts';
import { tailKeys } from '../message/name.ts';
import { placeOf } from './record.ts';
import { makeZone, type Zone } from './zone.ts';

type Member = WeftObject<{ readonly network: string }, object>;

/** Who asks, as far as names of the outside depend on it. */
export interface ResolverAsker {
  /** Number of the port. */
  readonly port: number;
  /** Its own network: `VirtualNetwork/PROJECT/NAME`. */
  readonly network: string;
  /** What that network says about resolving. */
  readonly spec: ResolverSpec | undefined;
}

/** What the ports of one network see. A change of objects makes a new one. */
export interface View {
  /** `VirtualNetwork/PROJECT/NAME`. */
  readonly network: string;
  readonly resolver: ResolverSpec | undefined;
  readonly mtuBytes: number;
  /** Time to live of what the network itself makes known. */
  readonly ttlSeconds: number;
  /** The own network's first. */
  readonly zones: readonly Zone[];
  /** The same by the key of their origin. */
  readonly byOrigin: ReadonlyMap<string, readonly Zone[]>;
  /** Keys of the names above origins. */
  readonly above: ReadonlySet<string>;
  /** Labels of the longest origin. */
  readonly deepest: number;
}

/** A view of zones, the own network's first. */
export function viewOf(zones: readonly Zone[], about: Pick<View, 'network' | 'resolver' | 'mtuBytes' | 'ttlSeconds'>): View {
  const byOrigin = new Map<string, Zone[]>();
  for (const zone of zones) byOrigin.set(zone.key, [...(byOrigin.get(zone.key) ?? []), zone]);
  const above = new Set(zones.flatMap(({ origin }) => tailKeys(origin).slice(1, -1)));
  return { ...about, zones, byOrigin, above, deepest: Math.max(0, ...zones.map(({ origin }) => origin.length)) };
}

export class Directory {
  readonly #objects: ObjectCache;
  readonly #ttlSeconds: number;
  readonly #ports = new PortIndex();
  /** Of each network, by their keys. */
  readonly #members = new Map<string, Map<string, Port>>();
  readonly #records = new Map<string, Map<string, DnsRecord>>();
  /** Made when first asked for, dropped when the network, a port or a record of it changes. */
  readonly #zones = new Map<string, Zone>();
  /** Made when first asked for, dropped at any change. */
  readonly #views = new Map<string, View>();
  #neighbours: ReadonlyMap<string, ReadonlySet<string>> | undefined;

  constructor(objects: ObjectCache, ttlSeconds: number) {
    this.#objects = objects;
    this.#ttlSeconds = ttlSeconds;
    objects.follow((before, after) => this.#follow(before, after));
  }

  /** Undefined for a number that is no port's, or whose network is not known yet. */
  view(portId: number): View | undefined {
    const port = this.#ports.get(portId);
    if (port === undefined) return undefined;
    const network = networkOf(port);
    const known = this.#views.get(network);
    if (known !== undefined) return known;
    const made = this.#makeView(network);
    if (made !== undefined) this.#views.set(network, made);
    return made;
  }

  /** The records of a network, by `Kind/project/name`. */
  records(network: string): ReadonlyMap<string, DnsRecord> {
    return this.#records.get(network) ?? new Map();
  }

  /** The ports of a network, by `Kind/project/name`. */
  ports(network: string): ReadonlyMap<string, Port> {
    return this.#members.get(network) ?? new Map();
  }

  #makeView(key: string): View | undefined {
    const network = this.#network(key);
    if (network === undefined) return undefined;
    this.#neighbours ??= this.#joinedNetworks();
    const zones = [key, ...(this.#neighbours.get(key) ?? [])].flatMap((each) => this.#zone(each) ?? []);
    const about = { network: key, resolver: network.spec.resolver, mtuBytes: network.status.mtu, ttlSeconds: this.#ttlSeconds };
    return viewOf(zones, about);
  }

  #follow(before: WeftObject | undefined, after: WeftObject | undefined): void {
    const kind = (after ?? before)?.kind;
    if (kind === 'Port') {
      this.#followPort(before as Port | undefined, after as Port | undefined);
      return;
    }
    if (kind === 'DnsRecord') this.#followMember(this.#records, before as DnsRecord | undefined, after as DnsRecord | undefined);
    for (const object of kind === 'VirtualNetwork' ? [before, after] : []) if (object) this.#zones.delete(formatKey(keyOf(object)));
    if (kind === 'LogicalRouter') this.#neighbours = undefined;
    this.#views.clear();
  }

  #followPort(before: Port | undefined, after: Port | undefined): void {
    const port = after ?? before;
    if (port !== undefined) this.#ports.put(keyOf(port), after);
    // Most changes of ports are of their phase.
    if (before !== undefined && after !== undefined && namesOf(before) === namesOf(after)) {
      this.#members.get(networkOf(after))?.set(formatKey(keyOf(after)), after);
      return;
    }
    this.#followMember(this.#members, before, after);
    this.#views.clear();
  }

  #followMember<T extends Member>(members: Map<string, Map<string, T>>, before: T | undefined, after: T | undefined): void {
    if (before !== undefined) {
      const network = networkOf(before);
      this.#zones.delete(network);
      const left = members.get(network);
      left?.delete(formatKey(keyOf(before)));
      if (left?.size === 0) members.delete(network);
    }
    if (after === undefined) return;
    const network = networkOf(after);
    this.#zones.delete(network);
    members.set(network, (members.get(network) ?? new Map<string, T>()).set(formatKey(keyOf(after)), after));
  }

  #network(key: string): VirtualNetwork | undefined {
    const [kind = '', project = '', name = ''] = key.split('/');
    return this.#objects.get<VirtualNetwork>({ kind, project, name });
  }

  #zone(key: string): Zone | undefined {
    const known = this.#zones.get(key);
    if (known !== undefined) return known;
    const network = this.#network(key);
    if (network === undefined) return undefined;
    const records = [...this.records(key).values()].flatMap((record) => {
      const placed = placeOf(record, network);
      return 'owner' in placed ? [placed] : [];
    });
    const zone = makeZone(network, [...this.ports(key).values()], records, this.#ttlSeconds);
    if (zone !== undefined) this.#zones.set(key, zone);
    return zone;
  }

  #joinedNetworks(): ReadonlyMap<string, ReadonlySet<string>> {
    const joined = new Map<string, Set<string>>();
    for (const router of this.#objects.list<LogicalRouter>('LogicalRouter')) {
      const networks = router.spec.networks.map((name) => formatKey(referencedKey('VirtualNetwork', name, router.metadata.project)));
      for (const network of networks) {
        const others = joined.get(network) ?? new Set();
        for (const other of networks) if (other !== network) others.add(other);
        joined.set(network, others);
      }
    }
    return joined;
  }
}

/** All of a port that answers depend on. */
function namesOf({ spec, status, metadata }: Port): string {
  return JSON.stringify([metadata.project, spec.network, spec.hostname, status.id, status.addresses]);
}

/** Key of the network that a port or a record names. */
export function networkOf(member: Member): string {
  return formatKey(referencedKey('VirtualNetwork', member.spec.network, member.metadata.project));
}
