/** Options of router advertisements as bytes: type · length in 8 bytes · value (RFC 4861 §4.6). */
import { type IpPrefix, ipBytes, writeMac } from '@weft/kernel/contract/net';
import { domainList } from '../domain-list.ts';
import { addresses } from '../v6/option.ts';

const types = { sourceLinkLayerAddress: 1, prefixInformation: 3, mtu: 5, routeInformation: 24, rdnss: 25, dnssl: 31 } as const;

export interface PrefixFlags {
  readonly onLink: boolean;
  readonly autonomous: boolean;
}

/** The value behind its head, with zeros up to a multiple of 8 bytes. */
function option(type: number, value: Buffer): Buffer {
  const units = Math.ceil((value.length + 2) / 8);
  const bytes = Buffer.alloc(units * 8);
  bytes.writeUInt8(type, 0);
  bytes.writeUInt8(units, 1);
  value.copy(bytes, 2);
  return bytes;
}

export function sourceLinkLayerAddress(mac: string): Buffer {
  const value = Buffer.alloc(6);
  writeMac(value, 0, mac);
  return option(types.sourceLinkLayerAddress, value);
}

/** RFC 4861 §4.6.4. */
export function mtu(bytes: number): Buffer {
  const value = Buffer.alloc(6);
  value.writeUInt32BE(bytes, 2);
  return option(types.mtu, value);
}

/** RFC 4861 §4.6.2. */
export function prefixInformation(prefix: IpPrefix, flags: PrefixFlags, validSeconds: number, preferredSeconds: number): Buffer {
  const value = Buffer.alloc(30);
  value.writeUInt8(prefix.length, 0);
  value.writeUInt8((flags.onLink ? 0x80 : 0) | (flags.autonomous ? 0x40 : 0), 1);
  value.writeUInt32BE(validSeconds, 2);
  value.writeUInt32BE(preferredSeconds, 6);
  firstOf(prefix).copy(value, 14);
  return option(types.prefixInformation, value);
}

/** RFC 4191 §2.3, of medium preference; as short as the prefix allows. */
export function routeInformation(prefix: IpPrefix, lifetimeSeconds: number): Buffer {
  const value = Buffer.alloc(6 + Math.ceil(prefix.length / 64) * 8);
  value.writeUInt8(prefix.length, 0);
  value.writeUInt32BE(lifetimeSeconds, 2);
  firstOf(prefix).copy(value, 6);
  return option(types.routeInformation, value);
}

/** RFC 8106 §5.1. */
export function rdnss(servers: readonly string[], lifetimeSeconds: number): Buffer {
  return option(types.rdnss, Buffer.concat([lifetime(lifetimeSeconds), addresses(servers)]));
}

/** RFC 8106 §5.2. */
export function dnssl(names: readonly string[], lifetimeSeconds: number): Buffer {
  return option(types.dnssl, Buffer.concat([lifetime(lifetimeSeconds), domainList(names)]));
}

/** Two reserved bytes and a lifetime. */
function lifetime(seconds: number): Buffer {
  const value = Buffer.alloc(6);
  value.writeUInt32BE(seconds, 2);
  return value;
}

const firstOf = ({ family, first }: IpPrefix): Buffer => ipBytes({ family, value: first });
