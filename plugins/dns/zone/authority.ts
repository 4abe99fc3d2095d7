/** Answers from the names that the asker may see; pure. NXDOMAIN says that a name and all below it do not exist (RFC 8020), NODATA that this type does not. */
import { formatIp, internalDomain, isHostPrefix, isIpv4, prefixCovers } from '@weft/kernel/contract/net';
import type { Question, ResourceRecord } from '../message/codec.ts';
import { classes, rcodes, recordTypes } from '../message/iana.ts';
import { isWithin, type Name, nameKey, reversePrefix, reverseZoneLabels, root } from '../message/name.ts';
import { addressData, nameData, soaData } from '../message/rdata.ts';
import type { View, Zone } from './directory.ts';

export interface AuthoritySettings {
  readonly ttlSeconds: number;
  readonly negativeTtlSeconds: number;
  /** Grows with every change of the objects. */
  readonly serial: number;
}

/** What a question came to, from whatever source. */
export interface Resolution {
  readonly rcode: number;
  readonly authoritative: boolean;
  readonly answers: readonly ResourceRecord[];
  readonly authorities: readonly ResourceRecord[];
  readonly authenticData: boolean;
  /** The source had more to say than it could send. */
  readonly truncated: boolean;
}

interface Datum {
  readonly type: number;
  readonly data: Buffer;
}

/** The name's place among the local names: `data` undefined when there is no such name. */
interface Found {
  readonly origin: Name;
  readonly data: readonly Datum[] | undefined;
}

const internal: Name = internalDomain.split('.');

/** Undefined: not ours to answer, ask the upstreams. Names below `weft.internal` are always ours, so that no tenant's name reaches the outside. */
export function answerLocally(question: Question, view: View, settings: AuthoritySettings): Resolution | undefined {
  const { name } = question;
  const found = findReverse(name, view) ?? findInZones(name, view) ?? findInternal(name, view) ?? findShort(name, view);
  if (found === undefined) return undefined;
  const soa: Datum = { type: recordTypes.SOA, data: soaOf(found.origin, settings) };
  const atApex = nameKey(name) === nameKey(found.origin) && name.length > 1;
  const data = atApex ? [soa, { type: recordTypes.NS, data: nameData(found.origin) }, ...(found.data ?? [])] : found.data;
  const chosen = (data ?? []).filter(({ type }) => question.type === recordTypes.ANY || type === question.type);
  const record = (owner: Name, ttl: number, datum: Datum): ResourceRecord => ({ name: owner, class: classes.IN, ttl, ...datum });
  return {
    rcode: data === undefined ? rcodes.NXDOMAIN : rcodes.NOERROR,
    authoritative: true,
    answers: chosen.map((datum) => record(name, settings.ttlSeconds, datum)),
    authorities: chosen.length > 0 ? [] : [record(found.origin, settings.negativeTtlSeconds, soa)],
    authenticData: false,
    truncated: false,
  };
}

/** Addresses of the asker's subnets; other reverse names are the upstreams'. */
function findReverse(name: Name, view: View): Found | undefined {
  const spelt = reversePrefix(name);
  if (spelt === undefined) return undefined;
  for (const zone of view.zones) {
    const prefix = zone.prefixes.find((each) => prefixCovers(each, spelt));
    if (prefix === undefined) continue;
    const origin = name.slice(-2 - reverseZoneLabels(prefix));
    if (!isHostPrefix(spelt)) return { origin, data: [] };
    const target = zone.names.get(formatIp({ family: spelt.family, value: spelt.first }));
    return { origin, data: target === undefined ? undefined : [{ type: recordTypes.PTR, data: nameData(target) }] };
  }
  return undefined;
}

/** The zones with the longest matching origin; networks may share a domain. */
function findInZones(name: Name, view: View): Found | undefined {
  const matching = view.zones.filter((zone) => isWithin(name, zone.origin));
  const longest = Math.max(...matching.map((zone) => zone.origin.length));
  const zones = matching.filter((zone) => zone.origin.length === longest);
  const [first] = zones;
  if (first === undefined) return undefined;
  const found = { origin: first.origin };
  const below = name.slice(0, name.length - longest);
  if (below.length === 0) return { ...found, data: addresses(first.gateways) };
  const hosts = below.length === 1 ? hostData(below, zones) : [];
  if (hosts.length > 0) return { ...found, data: hosts };
  return { ...found, data: hasBelow(name, view) ? [] : undefined };
}

function findInternal(name: Name, view: View): Found | undefined {
  if (!isWithin(name, internal)) return undefined;
  return { origin: internal, data: name.length === internal.length || hasBelow(name, view) ? [] : undefined };
}

/** A host's label alone: the nearest network that has it answers. The label counts as a zone of its own, for its SOA must not stand above it. */
function findShort(name: Name, view: View): Found | undefined {
  if (name.length !== 1) return undefined;
  const data = view.zones.map((zone) => hostData(name, [zone])).find((hosts) => hosts.length > 0);
  return data === undefined ? undefined : { origin: name, data };
}

function hostData(label: Name, zones: readonly Zone[]): readonly Datum[] {
  return addresses(zones.flatMap((zone) => zone.hosts.get(nameKey(label)) ?? []));
}

function addresses(values: readonly string[]): readonly Datum[] {
  return values.map((value) => ({ type: isIpv4(value) ? recordTypes.A : recordTypes.AAAA, data: addressData(value) }));
}

/** An empty non-terminal: some zone hangs below it. */
function hasBelow(name: Name, view: View): boolean {
  return view.zones.some((zone) => isWithin(zone.origin, name));
}

function soaOf(origin: Name, settings: AuthoritySettings): Buffer {
  return soaData({
    primary: origin,
    mailbox: root,
    serial: settings.serial >>> 0,
    refreshSeconds: 3600,
    retrySeconds: 600,
    expireSeconds: 86_400,
    minimumSeconds: settings.negativeTtlSeconds,
  });
}
