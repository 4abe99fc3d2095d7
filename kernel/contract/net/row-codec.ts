/**
 * Turns rows into bytes and back, guided by the field tables in rows.gen.ts.
 * An operation is [u8 op: 1 upsert, 2 delete][u8 table][u16 size][u32 0][row]; rows are little endian, addresses in network order.
 */
import { ipBytes, parseIp, readIp } from './ip.ts';

interface FieldSpec {
  readonly name: string;
  readonly type: string;
  readonly offset: number;
  readonly bytes: number;
  /** Part of the key. */
  readonly key: boolean;
  readonly min?: number;
  readonly max?: number;
  /** Type ip: offset of the byte with the IP version. */
  readonly family?: number;
}

export interface TableSpec {
  readonly number: number;
  readonly bytes: number;
  readonly keyBytes: number;
  readonly fields: readonly FieldSpec[];
}

const headBytes = 8;
const upsert = 1;
const remove = 2;

function writeInteger(where: string, field: FieldSpec, value: unknown, out: Buffer, at: number): void {
  const { min = 0, max = 0 } = field;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`${where} is ${String(value)}: give an integer from ${min} to ${max}`);
  }
  out.writeUIntLE(value, at, field.bytes);
}

function writeMac(where: string, value: unknown, out: Buffer, at: number): void {
  if (typeof value !== 'string' || !/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(value)) {
    throw new RangeError(`${where} is ${String(value)}: give a MAC address such as 02:00:00:00:00:01`);
  }
  out.write(value.replaceAll(':', ''), at, 'hex');
}

function writeText(where: string, field: FieldSpec, value: unknown, out: Buffer, at: number): void {
  if (typeof value !== 'string' || value.includes('\0') || Buffer.byteLength(value) >= field.bytes) {
    throw new RangeError(`${where} is ${JSON.stringify(value)}: give a text of at most ${field.bytes - 1} bytes without NUL`);
  }
  out.write(value, at);
}

/** @param versionAt of the byte with the IP version, which all addresses of a row share: 0 there, or what an address before this one is. */
function writeAddress(where: string, value: unknown, out: Buffer, at: number, versionAt: number): void {
  const address = typeof value === 'string' ? parseIp(value) : undefined;
  if (!address) throw new RangeError(`${where} is ${String(value)}: give an IPv4 or IPv6 address`);
  const version = out.readUInt8(versionAt);
  if (version !== 0 && version !== address.family) {
    throw new RangeError(`${where} is ${String(value)}: give an IPv${version} address, as the others of the row are`);
  }
  out.set(ipBytes(address), at);
  out.writeUInt8(address.family, versionAt);
}

function pack(op: number, table: string, spec: TableSpec, row: object, keyOnly: boolean): Buffer {
  const out = Buffer.alloc(headBytes + spec.bytes);
  out.writeUInt8(op, 0);
  out.writeUInt8(spec.number, 1);
  out.writeUInt16LE(spec.bytes, 2);
  const values = row as Readonly<Record<string, unknown>>;
  for (const field of spec.fields) {
    if (keyOnly && !field.key) continue;
    const where = `${table}.${field.name}`;
    const value = values[field.name];
    const at = headBytes + field.offset;
    if (field.type === 'mac') writeMac(where, value, out, at);
    else if (field.type === 'text') writeText(where, field, value, out, at);
    else if (field.type === 'ip') writeAddress(where, value, out, at, headBytes + (field.family ?? 0));
    else writeInteger(where, field, value, out, at);
  }
  return out;
}

/** The upsert of a row. Throws a RangeError that names table and field. */
export function packRow(table: string, spec: TableSpec, row: object): Buffer {
  return pack(upsert, table, spec, row, false);
}

/** The delete of the row with these key fields. Throws a RangeError that names table and field. */
export function packKey(table: string, spec: TableSpec, key: object): Buffer {
  return pack(remove, table, spec, key, true);
}

/** The delete of the row that an upsert makes. */
export function keyOnly(op: Buffer, spec: TableSpec): Buffer {
  const out = Buffer.alloc(op.length);
  op.copy(out, 0, 0, headBytes + spec.keyBytes);
  out.writeUInt8(remove, 0);
  return out;
}

function readField(field: FieldSpec, buffer: Buffer, start: number): string | number {
  const at = start + field.offset;
  const bytes = buffer.subarray(at, at + field.bytes);
  if (field.type === 'mac') return bytes.toString('hex').replace(/(..)(?=.)/g, '$1:');
  if (field.type === 'text') return bytes.toString('utf8', 0, bytes.indexOf(0) < 0 ? bytes.length : bytes.indexOf(0));
  if (field.type === 'ip') {
    const version = buffer.readUInt8(start + (field.family ?? 0));
    return readIp(bytes.subarray(0, version === 4 ? 4 : 16));
  }
  return buffer.readUIntLE(at, field.bytes);
}

/** The fields of the row that starts at `at`. */
export function readRow(spec: TableSpec, buffer: Buffer, at: number): Record<string, string | number> {
  return Object.fromEntries(spec.fields.map((field) => [field.name, readField(field, buffer, at)]));
}
