/** Finds a name among those that the asker may see. Pure. */
import { formatIp, internalDomain, isHostPrefix, prefixCovers } from '@weft/kernel/contract/net';
import { recordTypes } from '../message/iana.ts';
import { belowKey, type Name, nameKey, reversePrefix, reverseZoneLabels, tailKeys } from '../message/name.ts';
import { nameData } from '../message/rdata.ts';
import type { View } from './directory.ts';
import { emptyNode, joinNodes, type Node } from './record-sets.ts';
import type { Zone } from './zone.ts';

/** A name's place among the local names: `node` undefined when there is no such name. */
export interface Found {
  readonly origin: Name;
  readonly node: Node | undefined;
  /** A host name without its domain: a zone that only its own SOA knows of. */
  readonly bare?: true;
}

const internal: Name = internalDomain.split('.');

/** Undefined: not ours. Names below `weft.internal` are always ours, so that no tenant's name reaches the outside. */
export function find(name: Name, view: View): Found | undefined {
  const tails = tailKeys(name, Math.max(view.deepest, internal.length));
  return (
    findReverse(name, tails, view) ?? findInZones(name, tails, view) ?? findInternal(name, tails, view) ?? findShort(name, tails, view)
  );
}

/** Addresses of the asker's subnets; other reverse names are the upstreams'. */
function findReverse(name: Name, tails: readonly string[], view: View): Found | undefined {
  if (tails[1] !== 'arpa') return undefined;
  const spelt = reversePrefix(name);
  if (spelt === undefined) return undefined;
  const zones = view.zones.filter(({ prefixes }) => prefixes.some((prefix) => prefixCovers(prefix, spelt)));
  const prefix = zones[0]?.prefixes.find((each) => prefixCovers(each, spelt));
  if (prefix === undefined) return undefined;
  const origin = name.slice(-2 - reverseZoneLabels(prefix));
  if (!isHostPrefix(spelt)) return { origin, node: emptyNode };
  const address = formatIp({ family: spelt.family, value: spelt.first });
  const key = nameKey(name);
  const nodes = zones.flatMap((zone) => [zone.reverse.get(key) ?? [], pointerTo(zone.names.get(address), view.ttlSeconds)]);
  const node = joinNodes(nodes.filter((each) => each.length > 0));
  return { origin, node: node.length === 0 ? undefined : node };
}

function pointerTo(target: Name | undefined, ttl: number): Node {
  return target === undefined ? emptyNode : [{ type: recordTypes.PTR, ttl, data: [nameData(target)] }];
}

/** In the zones with the longest matching origin; networks may share a domain. */
function findInZones(name: Name, tails: readonly string[], view: View): Found | undefined {
  const labels = tails.findLastIndex((key) => view.byOrigin.has(key));
  const origin = tails[labels] ?? '';
  const zones = view.byOrigin.get(origin);
  const [first] = zones ?? [];
  if (zones === undefined || first === undefined) return undefined;
  return { origin: first.origin, node: nodeBelow(name.slice(0, name.length - labels), origin, zones, view) };
}

/**
 * The node of a name, or that of the wildcard right below the closest ancestor that is there (RFC 4592 §3.3.1). Whatever has descendants is there, so the
 * way down from the origin ends with the first label that is not, however many follow.
 */
function nodeBelow(labels: Name, origin: string, zones: readonly Zone[], view: View): Node | undefined {
  let [key, whole] = ['', origin];
  for (const label of labels.toReversed()) {
    const next = belowKey(label, key);
    whole = belowKey(label, whole);
    if (!view.above.has(whole) && !zones.some(({ nodes }) => nodes.has(next))) return nodeOf(belowKey('*', key), zones);
    key = next;
  }
  return nodeOf(key, zones) ?? emptyNode;
}

/** A canonical name stands alone (RFC 2181 §10.1): where another network or a port of the same name has records, these count. */
function nodeOf(key: string, zones: readonly Zone[]): Node | undefined {
  const nodes = zones.flatMap((zone) => (zone.nodes.has(key) ? [zone.nodes.get(key) ?? emptyNode] : []));
  if (nodes.length === 0) return undefined;
  const node = joinNodes(nodes);
  const alias = node.find(({ type }) => type === recordTypes.CNAME);
  if (alias === undefined) return node;
  return node.length > 1 ? node.filter((set) => set !== alias) : [{ ...alias, data: alias.data.slice(0, 1) }];
}

function findInternal(name: Name, tails: readonly string[], view: View): Found | undefined {
  if (tails[internal.length] !== internalDomain) return undefined;
  return { origin: internal, node: name.length === internal.length || view.above.has(tails[name.length] ?? '') ? emptyNode : undefined };
}

/** A label alone: the nearest network that has it answers. It counts as a zone of its own, for its SOA must not stand above it. */
function findShort(name: Name, tails: readonly string[], view: View): Found | undefined {
  if (name.length !== 1 || name[0] === '*') return undefined;
  for (const zone of view.zones) {
    const node = nodeOf(tails[1] ?? '', [zone]);
    if (node !== undefined && node.length > 0) return { origin: name, node, bare: true };
  }
  return undefined;
}
