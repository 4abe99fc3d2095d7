/** IPv4 arithmetic on addresses as unsigned 32-bit numbers (RFC 791, RFC 4632). No I/O. */

export interface Ipv4Prefix {
  /** Network address, host bits zero. */
  readonly first: number;
  /** Broadcast address. */
  readonly last: number;
  readonly length: number;
}

/** Strict dotted decimal: four numbers 0–255 without leading zeros. */
export function parseIpv4(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    if (!/^(?:0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return undefined;
    value = value * 256 + Number(part);
  }
  return value;
}

export function formatIpv4(address: number): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

/** Network mask of a prefix length 0–32 as a number. */
function maskOf(length: number): number {
  return length === 0 ? 0 : (0xffff_ffff << (32 - length)) >>> 0;
}

/** The prefix of `length` that holds `address`. */
export function prefixOf(address: number, length: number): Ipv4Prefix {
  const mask = maskOf(length);
  const first = (address & mask) >>> 0;
  return { first, last: (first | ~mask) >>> 0, length };
}

/** `a.b.c.d/n`; `canonical` is false when host bits are set. */
export function parseIpv4Prefix(text: string): { readonly prefix: Ipv4Prefix; readonly canonical: boolean } | undefined {
  const slash = text.indexOf('/');
  const lengthText = text.slice(slash + 1);
  const address = slash < 0 ? undefined : parseIpv4(text.slice(0, slash));
  if (address === undefined || !/^(?:0|[1-9][0-9]?)$/.test(lengthText) || Number(lengthText) > 32) return undefined;
  const prefix = prefixOf(address, Number(lengthText));
  return { prefix, canonical: prefix.first === address };
}

export function formatPrefix(prefix: Ipv4Prefix): string {
  return `${formatIpv4(prefix.first)}/${prefix.length}`;
}

export function contains(prefix: Ipv4Prefix, address: number): boolean {
  return address >= prefix.first && address <= prefix.last;
}

/** True for an address that a host may have: not the network's and not the broadcast address (prefixes up to /30). */
export function isHost(prefix: Ipv4Prefix, address: number): boolean {
  return address > prefix.first && address < prefix.last;
}

export function overlaps(a: Ipv4Prefix, b: Ipv4Prefix): boolean {
  return a.first <= b.last && b.first <= a.last;
}

export function isIpv6Text(text: string): boolean {
  return text.includes(':');
}
