/** IP addresses and prefixes of both families (RFC 791, RFC 4291, RFC 4632) as numbers, and their one text form (RFC 5952). Pure. */
import ipaddr from 'ipaddr.js';

export type IpFamily = 4 | 6;

export interface IpAddress {
  readonly family: IpFamily;
  readonly value: bigint;
}

export interface IpPrefix {
  readonly family: IpFamily;
  /** Lowest address, host bits zero. */
  readonly first: bigint;
  /** Highest address, host bits one. */
  readonly last: bigint;
  readonly length: number;
}

const widths = { 4: 32, 6: 128 } as const;

/** Bits of an address. */
export const ipWidth = (family: IpFamily): number => widths[family];

/** Whether the text of an address or prefix is IPv4; it is not checked any further. */
export const isIpv4 = (text: string): boolean => !text.includes(':');

/** An address of either family: strict dotted decimal, or IPv6 text without a zone. Undefined for anything else. */
export function parseIp(text: string): IpAddress | undefined {
  if (!isIpv4(text)) return isIpv6(text) ? { family: 6, value: numberOf(ipaddr.IPv6.parse(text).toByteArray()) } : undefined;
  const octets = ipv4Octets(text);
  return octets && { family: 4, value: BigInt(octets.reduce((value, octet) => value * 256 + octet)) };
}

export function formatIp({ family, value }: IpAddress): string {
  return readIp(ipBytes({ family, value }));
}

/** The address in its one text form; other text as it is. */
export function canonicalIp(text: string): string {
  const address = parseIp(text);
  return address ? formatIp(address) : text;
}

/** The address that stands in 4 or 16 bytes, in network order. */
export function readIp(bytes: Buffer): string {
  return bytes.length === 4 ? bytes.join('.') : new ipaddr.IPv6([...bytes]).toRFC5952String();
}

/** 4 or 16 bytes in network order. */
export function ipBytes({ family, value }: IpAddress): Buffer {
  if (family === 4) {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(Number(value));
    return bytes;
  }
  return Buffer.from(value.toString(16).padStart(32, '0'), 'hex');
}

/** `ADDRESS/LENGTH`; `canonical` is false when host bits are set. Undefined for anything else. */
export function parsePrefix(text: string): { readonly prefix: IpPrefix; readonly canonical: boolean } | undefined {
  const slash = text.indexOf('/');
  const address = slash < 0 ? undefined : parseIp(text.slice(0, slash));
  const lengthText = text.slice(slash + 1);
  if (address === undefined || !/^(?:0|[1-9][0-9]{0,2})$/.test(lengthText)) return undefined;
  const length = Number(lengthText);
  if (length > ipWidth(address.family)) return undefined;
  const prefix = prefixOf(address, length);
  return { prefix, canonical: prefix.first === address.value };
}

export function formatPrefix({ family, first, length }: IpPrefix): string {
  return `${formatIp({ family, value: first })}/${length}`;
}

/** The prefix of `length` that holds the address; by default the address alone. */
export function prefixOf({ family, value }: IpAddress, length = ipWidth(family)): IpPrefix {
  const hostBits = (1n << BigInt(ipWidth(family) - length)) - 1n;
  const last = value | hostBits;
  return { family, first: last ^ hostBits, last, length };
}

export function isHostPrefix({ family, length }: IpPrefix): boolean {
  return length === ipWidth(family);
}

export function prefixContains(prefix: IpPrefix, { family, value }: IpAddress): boolean {
  return family === prefix.family && value >= prefix.first && value <= prefix.last;
}

/** The same for text; false when either is no prefix or no address. */
export function cidrContains(cidr: string, address: string): boolean {
  const [prefix, given] = [parsePrefix(cidr)?.prefix, parseIp(address)];
  return prefix !== undefined && given !== undefined && prefixContains(prefix, given);
}

/** Whether all of `inner` lies in `outer`. */
export function prefixCovers(outer: IpPrefix, inner: IpPrefix): boolean {
  return outer.family === inner.family && inner.first >= outer.first && inner.last <= outer.last;
}

export function prefixesOverlap(a: IpPrefix, b: IpPrefix): boolean {
  return a.family === b.family && a.first <= b.last && b.first <= a.last;
}

/** Order of addresses and prefixes for people: IPv4 first, then by number, short prefixes before the long ones in them. */
export function comparePrefixes(a: IpPrefix, b: IpPrefix): number {
  if (a.family !== b.family) return a.family - b.family;
  if (a.first !== b.first) return a.first < b.first ? -1 : 1;
  return a.length - b.length;
}

/** IPv4 netmask as an unsigned 32-bit number; prefix length 0–32. */
export function ipv4Mask(length: number): number {
  return length === 0 ? 0 : (0xffff_ffff << (32 - length)) >>> 0;
}

/** The library also takes zones, and leading zeros in an IPv4 tail. */
function isIpv6(text: string): boolean {
  if (!ipaddr.IPv6.isValid(text) || text.includes('%')) return false;
  const tail = text.slice(text.lastIndexOf(':') + 1);
  return !tail.includes('.') || ipv4Octets(tail) !== undefined;
}

/** Strict dotted decimal: four numbers 0–255 without leading zeros. */
function ipv4Octets(text: string): readonly number[] | undefined {
  const octets = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/.exec(text)?.slice(1).map(Number);
  return octets?.every((octet) => octet < 256) ? octets : undefined;
}

function numberOf(bytes: Iterable<number>): bigint {
  return BigInt(`0x${Buffer.from([...bytes]).toString('hex')}`);
}
