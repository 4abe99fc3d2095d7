/** Record data: names inside it are expanded on reading, so that records survive being moved into another message (RFC 3597 §4). */
import ipaddr from 'ipaddr.js';
import { recordTypes } from './iana.ts';
import type { Name } from './name.ts';
import { DnsFormatError, Reader, Writer } from './wire.ts';

/** What the data of a type begins with: a number of plain bytes, or a name. Anything may follow. */
type Layout = readonly (number | 'name')[];

/** The types of RFC 1035, whose names may be compressed. */
const compressible: Readonly<Record<number, Layout>> = {
  [recordTypes.NS]: ['name'],
  3: ['name'],
  4: ['name'],
  [recordTypes.CNAME]: ['name'],
  [recordTypes.SOA]: ['name', 'name', 20],
  7: ['name'],
  8: ['name'],
  9: ['name'],
  [recordTypes.PTR]: ['name'],
  14: ['name', 'name'],
  [recordTypes.MX]: [2, 'name'],
};

/** Later types that old servers compress although they must not: RP, AFSDB, RT, PX, SRV, KX, DNAME. */
const expandable: Readonly<Record<number, Layout>> = {
  17: ['name', 'name'],
  18: [2, 'name'],
  21: [2, 'name'],
  26: [2, 'name', 'name'],
  [recordTypes.SRV]: [6, 'name'],
  36: [2, 'name'],
  [recordTypes.DNAME]: ['name'],
};

/** The next `length` bytes as data of `type`, in uncompressed form. Throws DnsFormatError. */
export function readRdata(reader: Reader, type: number, length: number): Buffer {
  const part = reader.part(length);
  const layout = compressible[type] ?? expandable[type];
  // Empty data stands in messages of UPDATE only, but is no reason to refuse a message.
  if (layout === undefined || length === 0) return Buffer.from(part.take(length));
  const writer = new Writer();
  for (const field of layout) {
    if (field === 'name') writer.name(part.name(), false);
    else writer.write(part.take(field));
  }
  if (part.left > 0) throw new DnsFormatError('record data is longer than its fields');
  return Buffer.from(writer.finish());
}

/** Writes what `readRdata` gave, compressed where every receiver must understand that. */
export function writeRdata(writer: Writer, type: number, data: Buffer): void {
  const layout = compressible[type];
  if (layout === undefined || data.length === 0) {
    writer.write(data);
    return;
  }
  const reader = new Reader(data);
  for (const field of layout) {
    if (field === 'name') writer.name(reader.name(), true);
    else writer.write(reader.take(field));
  }
}

/** Data that is one name: NS, CNAME, PTR. */
export function nameData(name: Name): Buffer {
  const writer = new Writer();
  writer.name(name, false);
  return Buffer.from(writer.finish());
}

/** Data of numbers of 16 bits, then a name: MX (RFC 1035 §3.3.9), SRV (RFC 2782). */
export function numberedNameData(numbers: readonly number[], name: Name): Buffer {
  const writer = new Writer();
  for (const number of numbers) writer.uint16(number);
  writer.name(name, false);
  return Buffer.from(writer.finish());
}

const longestString = 255;

/** Data of a TXT record (RFC 1035 §3.3.14): bytes as strings of 255, the last of them shorter. */
export function textData(bytes: Buffer): Buffer {
  const strings: Buffer[] = [];
  for (let at = 0; at === 0 || at < bytes.length; at += longestString) {
    const string = bytes.subarray(at, at + longestString);
    strings.push(Buffer.from([string.length]), string);
  }
  return Buffer.concat(strings);
}

/** The name that data of these types ends with; undefined for other types, and for data that is none. */
export function targetName(type: number, data: Buffer): Name | undefined {
  const layout = compressible[type] ?? expandable[type];
  const at = layout?.indexOf('name') ?? -1;
  if (at < 0) return undefined;
  try {
    const reader = new Reader(data);
    for (const field of (layout ?? []).slice(0, at)) reader.take(field as number);
    return reader.name();
  } catch (error) {
    if (error instanceof DnsFormatError) return undefined;
    throw error;
  }
}

/** Data of an A or AAAA record. Throws on text that is no address. */
export const addressData = (address: string): Buffer => Buffer.from(ipaddr.parse(address).toByteArray());

export interface Soa {
  readonly primary: Name;
  readonly mailbox: Name;
  readonly serial: number;
  readonly refreshSeconds: number;
  readonly retrySeconds: number;
  readonly expireSeconds: number;
  /** How long "no such name" may be kept (RFC 2308 §4). */
  readonly minimumSeconds: number;
}

export function soaData(soa: Soa): Buffer {
  const writer = new Writer();
  writer.name(soa.primary, false);
  writer.name(soa.mailbox, false);
  for (const value of [soa.serial, soa.refreshSeconds, soa.retrySeconds, soa.expireSeconds, soa.minimumSeconds]) writer.uint32(value);
  return Buffer.from(writer.finish());
}

/** The last field of SOA data as `readRdata` gave it; 0 when it is too short. */
export function soaMinimum(data: Buffer): number {
  return data.length < 22 ? 0 : data.readUInt32BE(data.length - 4);
}
