/** Which uplink an outside address is behind, and which addresses uplinks have themselves. Pure. */
import {
  canonicalIp,
  type IpAddress,
  type IpPrefix,
  parseIp,
  parsePrefix,
  prefixContains,
  prefixCovers,
  prefixOf,
  type Uplink,
} from '@weft/kernel/contract/net';

export interface Place {
  readonly uplink: Uplink;
  /** Of the uplink's subnet that holds the address; 0: none does. */
  readonly prefixLength: number;
}

/** Why an address is behind no uplink. */
export interface Nowhere {
  readonly uplink?: undefined;
  readonly reason: string;
  readonly fix: string;
  /** It may be mended without the object: by an Uplink that comes. */
  readonly passing: boolean;
}

const linkLocal = [parsePrefix('169.254.0.0/16'), parsePrefix('fe80::/10')].flatMap((parsed) => parsed?.prefix ?? []);

/** The uplink of an address that was decided earlier, as the object's status says; undefined: none yet. */
export function decidedOf({ uplink }: { readonly uplink?: string }): string | undefined {
  return uplink === '' ? undefined : uplink;
}

/**
 * The uplink that was decided earlier, while it is there and allows the address, whatever other uplinks came meanwhile; else by the rules for new
 * addresses. One that these place nowhere stays where it was.
 */
export function placeOf(address: IpAddress, named: string | undefined, uplinks: readonly Uplink[], decided?: string): Place | Nowhere {
  const kept = named === undefined || named === decided ? uplinks.find(({ metadata }) => metadata.name === decided) : undefined;
  if (kept === undefined) return newPlace(address, named, uplinks);
  const place = { uplink: kept, prefixLength: subnetLength(kept, address) };
  if (notAllowed(address, kept) === undefined) return place;
  const other = newPlace(address, named, uplinks);
  return other.uplink === undefined ? place : other;
}

/** The uplink that is named when it has a subnet that holds the address, else the one with the longest such subnet, else the one that is named, else the only one. */
function newPlace(address: IpAddress, named: string | undefined, uplinks: readonly Uplink[]): Place | Nowhere {
  const places = uplinks.map((uplink): Place => ({ uplink, prefixLength: subnetLength(uplink, address) }));
  const holding = places.filter(({ prefixLength }) => prefixLength > 0).sort((a, b) => b.prefixLength - a.prefixLength);
  const isNamed = ({ uplink }: Place): boolean => uplink.metadata.name === named;
  return holding.find(isNamed) ?? holding[0] ?? places.find(isNamed) ?? theOnly(places, named);
}

/** The uplink whose own addresses the word `host` stands for. */
export function hostPlace(named: string | undefined, uplinks: readonly Uplink[], decided?: string): Place | Nowhere {
  const places = uplinks.map((uplink): Place => ({ uplink, prefixLength: 0 }));
  return places.find(({ uplink }) => uplink.metadata.name === (named ?? decided)) ?? theOnly(places, named);
}

function theOnly(places: readonly Place[], named: string | undefined): Place | Nowhere {
  if (named !== undefined) return { reason: `there is no Uplink ${named}`, fix: 'name one that there is', passing: true };
  const [only, other] = places;
  if (only === undefined) return { reason: 'there is no Uplink yet', fix: 'create one', passing: true };
  if (other === undefined) return only;
  const names = places.map(({ uplink }) => uplink.metadata.name).join(', ');
  return { reason: `several uplinks could have it: ${names}`, fix: 'say which one with uplink', passing: false };
}

/** The uplink's own addresses that the outside can answer to, canonical. */
export function ownAddresses(uplink: Uplink): readonly string[] {
  return [...read(uplink).own].filter((text) => {
    const address = parseIp(text);
    return address !== undefined && !linkLocal.some((range) => prefixContains(range, address));
  });
}

/** What an address is already, for an uplink; undefined: nothing. `address`: canonical. */
export function usedBy(address: string, uplinks: readonly Uplink[]): string | undefined {
  for (const uplink of uplinks) {
    const { own, gateways } = read(uplink);
    if (own.has(address)) return `the own address of Uplink/${uplink.metadata.name}`;
    if (gateways.has(address)) return `a gateway of Uplink/${uplink.metadata.name}`;
  }
  return undefined;
}

/** Whether it is the first or last address of an IPv4 subnet of an uplink, which names no host (RFC 1122 §3.2.1.3). /31: RFC 3021. */
export function isSubnetEdge(address: IpAddress, uplinks: readonly Uplink[]): boolean {
  if (address.family !== 4) return false;
  const holding = uplinks.flatMap(subnetsOf).filter((prefix) => prefix.length < 31 && prefixContains(prefix, address));
  return holding.some(({ first, last }) => address.value === first || address.value === last);
}

/** Why an uplink does not have an address for pools and floating IPs, in words; undefined: it does. */
export function notAllowed(address: IpAddress, uplink: Uplink): string | undefined {
  const { allowed } = read(uplink);
  if (allowed === undefined || allowed.some((prefix) => prefixContains(prefix, address))) return undefined;
  return `not in allowedPrefixes of Uplink/${uplink.metadata.name}`;
}

/** Addresses that stand for no host of the outside, in words; undefined: it may be one. */
export function unfit(address: IpAddress): string | undefined {
  const found = taboo.find(({ prefix }) => prefixCovers(prefix, prefixOf(address)));
  return found?.what;
}

const taboo = [
  { what: 'this host (0.0.0.0/8)', text: '0.0.0.0/8' },
  { what: 'a loopback address', text: '127.0.0.0/8' },
  { what: 'a link-local address', text: '169.254.0.0/16' },
  { what: 'a multicast address', text: '224.0.0.0/4' },
  { what: 'a reserved address', text: '240.0.0.0/4' },
  { what: 'the unspecified or a loopback address', text: '::/127' },
  { what: 'an IPv4 address in IPv6', text: '::ffff:0:0/96' },
  { what: 'a reserved address', text: '::/8' },
  { what: 'a link-local address', text: 'fe80::/10' },
  { what: 'a multicast address', text: 'ff00::/8' },
].flatMap(({ what, text }) => {
  const parsed = parsePrefix(text);
  return parsed === undefined ? [] : [{ what, prefix: parsed.prefix }];
});

function subnetLength(uplink: Uplink, address: IpAddress): number {
  const lengths = subnetsOf(uplink).flatMap((prefix) => (prefixContains(prefix, address) ? [prefix.length] : []));
  return Math.max(0, ...lengths);
}

const subnetsOf = (uplink: Uplink): readonly IpPrefix[] => read(uplink).subnets;

interface ReadUplink {
  readonly subnets: readonly IpPrefix[];
  /** Canonical. */
  readonly own: ReadonlySet<string>;
  readonly gateways: ReadonlySet<string>;
  /** Undefined: any. */
  readonly allowed: readonly IpPrefix[] | undefined;
}

/** Texts are read once for each object: every floating IP asks. */
const known = new WeakMap<Uplink['spec'], ReadUplink>();

function read({ spec }: Uplink): ReadUplink {
  const before = known.get(spec);
  if (before !== undefined) return before;
  const now = {
    subnets: spec.addresses.flatMap((text) => parsePrefix(text)?.prefix ?? []),
    own: new Set(spec.addresses.map((text) => canonicalIp(hostPart(text)))),
    gateways: new Set((spec.gateways ?? []).map(canonicalIp)),
    allowed: spec.allowedPrefixes?.flatMap((text) => parsePrefix(text)?.prefix ?? []),
  };
  known.set(spec, now);
  return now;
}

/** ADDRESS of ADDRESS/LENGTH. */
function hostPart(text: string): string {
  return text.split('/')[0] ?? text;
}
