/** The names of one network: those of its ports and gateways, and the records that users added. */
import { domainOf, type IpPrefix, isIpv4, type Port, parsePrefix, type VirtualNetwork } from '@weft/kernel/contract/net';
import { recordTypes } from '../message/iana.ts';
import { longestName, type Name, nameKey, parseName, tailKeys, wireLength } from '../message/name.ts';
import { addressData } from '../message/rdata.ts';
import type { Placed } from './record.ts';
import { type Node, NodeBuilder, type RecordSet } from './record-sets.ts';

export interface Zone {
  readonly origin: Name;
  /** `nameKey` of the origin. */
  readonly key: string;
  /** By `nameKey` of the labels before the origin; `''` is the origin itself. Whoever has descendants is there, too. */
  readonly nodes: ReadonlyMap<string, Node>;
  /** Fully qualified name by address; the gateways carry the origin's. */
  readonly names: ReadonlyMap<string, Name>;
  /** Added records of addresses, by `nameKey` of the whole name. */
  readonly reverse: ReadonlyMap<string, Node>;
  readonly prefixes: readonly IpPrefix[];
}

/** Ports without a hostname have no name. Added records come before those of ports. Undefined when the network's domain is no name. */
export function makeZone(
  network: VirtualNetwork,
  ports: readonly Port[],
  records: readonly Placed[],
  ttlSeconds: number,
): Zone | undefined {
  const origin = parseName(domainOf(network));
  if (origin === undefined) return undefined;
  const gateways = network.spec.forwarding === 'l2' ? [] : (network.status.gateways ?? []);
  const names = new Map<string, Name>(gateways.map((gateway) => [gateway, origin]));
  const [nodes, reverse] = [new NodeBuilder(), new NodeBuilder()];
  nodes.touch('');
  for (const { owner, type, ttl = ttlSeconds, data, ...record } of records) {
    if (record.reverse) reverse.add(nameKey(owner), { type, ttl, data });
    else addBelow(nodes, owner.slice(0, owner.length - origin.length), { type, ttl, data });
  }
  addAddresses(nodes, '', gateways, ttlSeconds);
  for (const port of ports) {
    const label = parseName(port.spec.hostname ?? '');
    if (label?.length !== 1 || wireLength([...label, ...origin]) > longestName) continue;
    const addresses = port.status.addresses ?? [];
    addAddresses(nodes, nameKey(label), addresses, ttlSeconds);
    for (const address of addresses) names.set(address, [...label, ...origin]);
  }
  const prefixes = network.spec.subnets.flatMap(({ cidr }) => parsePrefix(cidr)?.prefix ?? []);
  return { origin, key: nameKey(origin), nodes: nodes.finish(), names, reverse: reverse.finish(), prefixes };
}

function addAddresses(nodes: NodeBuilder, key: string, addresses: readonly string[], ttl: number): void {
  for (const address of addresses) {
    nodes.add(key, { type: isIpv4(address) ? recordTypes.A : recordTypes.AAAA, ttl, data: [addressData(address)] });
  }
}

/** Names on the way down exist as well, without records (RFC 4592 §2.2.2). */
function addBelow(nodes: NodeBuilder, labels: Name, set: RecordSet): void {
  const keys = tailKeys(labels);
  for (const each of keys) nodes.touch(each);
  nodes.add(keys.at(-1) ?? '', set);
}
