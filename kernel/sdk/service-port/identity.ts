/**
 * Identity addresses: how the forwarder tells a server behind a service port which port speaks (docs/decisions/0016). From the first bit:
 *
 *     IPv4  11110 · 7 bits of the port's generation · 16 bits slot · 4 bits place   (240.0.0.0/5)
 *     IPv6  100::/64 (RFC 6666) · 32 bits generation · 16 bits slot · 16 bits place
 *
 * The place tells the addresses of one VM apart and means nothing here.
 */
import { parseIp } from '../../contract/net/index.ts';

export interface Identity {
  readonly slot: number;
  readonly generation: number;
  /** Of the generation, those bits that the address holds. */
  readonly mask: number;
}

const mapped = '::ffff:';
const prefix4 = 0b11110n;
const prefix6 = 0x0100_0000_0000_0000n;

const bits = (value: bigint, from: number, count: number): number => Number((value >> BigInt(from)) & ((1n << BigInt(count)) - 1n));

/** Undefined for an address of any other meaning. IPv4 may be mapped into IPv6 (RFC 4291 §2.5.5.2). */
export function readIdentity(text: string): Identity | undefined {
  const address = parseIp(text.startsWith(mapped) ? text.slice(mapped.length) : text);
  if (address === undefined) return undefined;
  const { family, value } = address;
  if (family === 4) {
    if (value >> 27n !== prefix4) return undefined;
    return { slot: bits(value, 4, 16), generation: bits(value, 20, 7), mask: 0x7f };
  }
  if (value >> 64n !== prefix6) return undefined;
  return { slot: bits(value, 16, 16), generation: bits(value, 32, 32), mask: 0xffff_ffff };
}

/** Whether a port of that slot is the one. */
export function isMeant({ generation, mask }: Identity, of: number): boolean {
  return ((generation ^ of) & mask) === 0;
}
