/**
 * Who may see which names: per network the hosts of its ports, per port the networks that its queries are answered from. Names never leave that
 * circle: a port sees its own network and those that share a LogicalRouter with it.
 */
import { domainOf, type IpPrefix, type LogicalRouter, type Port, parsePrefix, type VirtualNetwork } from '@weft/kernel/contract/net';
import { formatKey, type ObjectKey, referencedKey } from '@weft/kernel/contract/system';
import type { ObjectCache } from '@weft/kernel/sdk';
import { longestName, type Name, nameKey, parseName, wireLength } from '../message/name.ts';

/** The names of one network. */
export interface Zone {
  readonly origin: Name;
  /** Addresses of both families by `nameKey` of the host's label. */
  readonly hosts: ReadonlyMap<string, readonly string[]>;
  /** Fully qualified name by address; the gateways carry the origin's. */
  readonly names: ReadonlyMap<string, Name>;
  /** Gateway addresses of both families; none where the network only bridges. */
  readonly gateways: readonly string[];
  readonly prefixes: readonly IpPrefix[];
}

/** What one port sees: its own network first. */
export interface View {
  readonly mtuBytes: number;
  readonly zones: readonly Zone[];
}

export class Directory {
  readonly #objects: ObjectCache;
  readonly #portsById = new Map<number, string>();
  readonly #ports = new Map<string, Port>();
  /** Keys of the ports in each network. */
  readonly #members = new Map<string, Set<string>>();
  /** Made when first asked for, dropped when the network or a port of it changes. */
  readonly #zones = new Map<string, Zone>();
  #neighbours: ReadonlyMap<string, ReadonlySet<string>> | undefined;

  constructor(objects: ObjectCache) {
    this.#objects = objects;
  }

  /** Takes up what changed in the object cache. */
  refresh(changed: readonly ObjectKey[]): void {
    for (const key of changed) {
      if (key.kind === 'Port') this.#refreshPort(key);
      if (key.kind === 'VirtualNetwork') this.#zones.delete(formatKey(key));
      if (key.kind === 'LogicalRouter') this.#neighbours = undefined;
    }
  }

  /** Undefined for a number that is no port's, or whose network is not known yet. */
  view(portId: number): View | undefined {
    const port = this.#ports.get(this.#portsById.get(portId) ?? '');
    if (port === undefined) return undefined;
    const own = networkOf(port);
    const network = this.#objects.get<VirtualNetwork>(own);
    if (network === undefined) return undefined;
    this.#neighbours ??= this.#joinedNetworks();
    const reachable = [formatKey(own), ...(this.#neighbours.get(formatKey(own)) ?? [])];
    return { mtuBytes: network.status.mtu, zones: reachable.flatMap((key) => this.#zone(key) ?? []) };
  }

  #refreshPort(key: ObjectKey): void {
    const id = formatKey(key);
    const before = this.#ports.get(id);
    const port = this.#objects.get<Port>(key);
    this.#ports.delete(id);
    if (before !== undefined) {
      const network = formatKey(networkOf(before));
      this.#zones.delete(network);
      this.#members.get(network)?.delete(id);
      if (this.#portsById.get(before.status.id) === id) this.#portsById.delete(before.status.id);
    }
    if (port === undefined) return;
    const network = formatKey(networkOf(port));
    this.#ports.set(id, port);
    this.#portsById.set(port.status.id, id);
    this.#zones.delete(network);
    this.#members.set(network, (this.#members.get(network) ?? new Set()).add(id));
  }

  #zone(key: string): Zone | undefined {
    const known = this.#zones.get(key);
    if (known !== undefined) return known;
    const [kind = '', project = '', name = ''] = key.split('/');
    const network = this.#objects.get<VirtualNetwork>({ kind, project, name });
    if (network === undefined) return undefined;
    const ports = [...(this.#members.get(key) ?? [])].flatMap((id) => this.#ports.get(id) ?? []);
    const zone = makeZone(network, ports);
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

/** Ports without a hostname have no name. Undefined when the network's domain is no name. */
function makeZone(network: VirtualNetwork, ports: readonly Port[]): Zone | undefined {
  const origin = parseName(domainOf(network));
  if (origin === undefined) return undefined;
  const hosts = new Map<string, readonly string[]>();
  const gateways = network.spec.forwarding === 'l2' ? [] : (network.status.gateways ?? []);
  const names = new Map<string, Name>(gateways.map((gateway) => [gateway, origin]));
  for (const port of ports) {
    const label = parseName(port.spec.hostname ?? '');
    if (label?.length !== 1 || wireLength([...label, ...origin]) > longestName) continue;
    const key = nameKey(label);
    const addresses = port.status.addresses ?? [];
    hosts.set(key, [...(hosts.get(key) ?? []), ...addresses]);
    for (const address of addresses) names.set(address, [...label, ...origin]);
  }
  return { origin, hosts, names, gateways, prefixes: network.spec.subnets.flatMap(({ cidr }) => parsePrefix(cidr)?.prefix ?? []) };
}

function networkOf(port: Port): ObjectKey {
  return referencedKey('VirtualNetwork', port.spec.network, port.metadata.project);
}
