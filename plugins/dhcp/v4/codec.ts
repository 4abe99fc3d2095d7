/**
 * DHCP messages: bytes ↔ `DhcpMessage` (RFC 2131 §2). No I/O, no rules; every read is bounds-checked.
 *
 *   op 1 · htype 1 · hlen 1 · hops 1 · xid 4 · secs 2 · flags 2 · ciaddr 4 · yiaddr 4 · siaddr 4 · giaddr 4
 *   chaddr 16 · sname 64 · file 128 · cookie 63 82 53 63 · options
 */
import { readIpv4, writeIpv4 } from '@weft/kernel/contract/net';
import { optionCodes } from './option.ts';
import { encodedBytes, readArea, writeArea } from './option-area.ts';
import { packed } from './overload.ts';

/** Buffers of a parsed message are views into its bytes. */
export interface DhcpMessage {
  /** 1 request, 2 reply. */
  readonly op: number;
  readonly htype: number;
  readonly hlen: number;
  readonly hops: number;
  readonly xid: number;
  readonly secs: number;
  readonly flags: number;
  /** Dotted decimal; 0.0.0.0 means none. */
  readonly ciaddr: string;
  readonly yiaddr: string;
  readonly siaddr: string;
  readonly giaddr: string;
  /** All 16 bytes; the first `hlen` count. */
  readonly chaddr: Buffer;
  /** Names without the zero that ends them, at most 64 and 128 bytes; empty also where options take their place. */
  readonly sname: Buffer;
  readonly file: Buffer;
  /** Values by code, in order of first appearance; pieces of one option are joined (RFC 3396 §7), option 52 is resolved and left out. */
  readonly options: ReadonlyMap<number, Buffer>;
}

export type Parsed = { readonly ok: true; readonly message: DhcpMessage } | { readonly ok: false; readonly reason: string };

export interface Built {
  readonly bytes: Buffer;
  /** Codes of the options that did not fit. */
  readonly omitted: readonly number[];
}

export const noName = Buffer.alloc(0);
export const noAddress = '0.0.0.0';

/** Flag bit of RFC 2131 §2: the client cannot take unicast yet. */
export const broadcastFlag = 0x8000;

const snameAt = 44;
const fileAt = 108;
const cookieAt = 236;
const optionsAt = 240;
const cookie = 0x63825363;
/** RFC 1542 §2.1: shorter messages are dropped by old relays and clients. */
const minimumBytes = 300;
/** Bits of option 52 (RFC 2132 §9.3). */
const overloadFile = 1;
const overloadSname = 2;

/** Reads a UDP payload. `reason` says what is malformed. Never throws. */
export function parseDhcp(payload: Buffer): Parsed {
  if (payload.length < optionsAt) return { ok: false, reason: `message of ${payload.length} bytes is shorter than a DHCP header` };
  if (payload.readUInt32BE(cookieAt) !== cookie) return { ok: false, reason: 'no DHCP cookie (BOOTP is not served)' };
  if (payload.readUInt8(2) > 16) return { ok: false, reason: 'hardware address is longer than 16 bytes' };
  const options = new Map<number, Buffer>();
  const read = parseOptions(payload, options);
  if (typeof read === 'string') return { ok: false, reason: read };
  return {
    ok: true,
    message: {
      op: payload.readUInt8(0),
      htype: payload.readUInt8(1),
      hlen: payload.readUInt8(2),
      hops: payload.readUInt8(3),
      xid: payload.readUInt32BE(4),
      secs: payload.readUInt16BE(8),
      flags: payload.readUInt16BE(10),
      ciaddr: readIpv4(payload, 12),
      yiaddr: readIpv4(payload, 16),
      siaddr: readIpv4(payload, 20),
      giaddr: readIpv4(payload, 24),
      chaddr: payload.subarray(28, snameAt),
      sname: (read & overloadSname) === 0 ? readName(payload, snameAt, fileAt) : noName,
      file: (read & overloadFile) === 0 ? readName(payload, fileAt, cookieAt) : noName,
      options,
    },
  };
}

/**
 * Writes a message of at most `limit` bytes (at least 300). Options go out in the map's order, longer ones than 255 bytes in pieces (RFC 3396);
 * what does not fit the options field goes to `file`, then `sname` (option 52), then is left out and named in `omitted`. A boot
 * file or server name whose field is needed so becomes option 67 or 66 (RFC 2132 §9.4, §9.5).
 */
export function buildDhcp(message: DhcpMessage, limit: number): Built {
  const space = limit - optionsAt - 1;
  let length = 0;
  for (const value of message.options.values()) length += encodedBytes(value);
  return length <= space ? buildWhole(message, length) : buildOverloaded(message, space);
}

function buildWhole(message: DhcpMessage, length: number): Built {
  const bytes = blank(message, length);
  message.sname.copy(bytes, snameAt, 0, fileAt - snameAt);
  message.file.copy(bytes, fileAt, 0, cookieAt - fileAt);
  writeArea(bytes, optionsAt, message.options);
  return { bytes, omitted: [] };
}

function buildOverloaded(message: DhcpMessage, space: number): Built {
  const { main, file, sname, left } = packed(message, space);
  const overload = (file.size > 0 ? overloadFile : 0) | (sname.size > 0 ? overloadSname : 0);
  if (overload !== 0) main.set(optionCodes.overload, Buffer.from([overload]));
  const bytes = blank(
    message,
    main.values().reduce((sum, value) => sum + encodedBytes(value), 0),
  );
  writeArea(bytes, optionsAt, main);
  if (file.size > 0) writeArea(bytes, fileAt, file);
  else message.file.copy(bytes, fileAt, 0, cookieAt - fileAt);
  if (sname.size > 0) writeArea(bytes, snameAt, sname);
  else message.sname.copy(bytes, snameAt, 0, fileAt - snameAt);
  return { bytes, omitted: [...left.keys()] };
}

/** The fixed fields and the cookie, with room for `length` bytes of options and the end option. */
function blank(message: DhcpMessage, length: number): Buffer {
  const bytes = Buffer.alloc(Math.max(minimumBytes, optionsAt + length + 1));
  bytes.writeUInt8(message.op, 0);
  bytes.writeUInt8(message.htype, 1);
  bytes.writeUInt8(message.hlen, 2);
  bytes.writeUInt8(message.hops, 3);
  bytes.writeUInt32BE(message.xid, 4);
  bytes.writeUInt16BE(message.secs, 8);
  bytes.writeUInt16BE(message.flags, 10);
  if (message.ciaddr !== noAddress) writeIpv4(bytes, 12, message.ciaddr);
  if (message.yiaddr !== noAddress) writeIpv4(bytes, 16, message.yiaddr);
  if (message.siaddr !== noAddress) writeIpv4(bytes, 20, message.siaddr);
  if (message.giaddr !== noAddress) writeIpv4(bytes, 24, message.giaddr);
  message.chaddr.copy(bytes, 28, 0, snameAt - 28);
  bytes.writeUInt32BE(cookie, cookieAt);
  return bytes;
}

/** RFC 3396 §5: the areas are read as options field, then file, then sname (RFC 2131 §4.1). Returns which were, as option 52 says, or what is wrong. */
function parseOptions(payload: Buffer, into: Map<number, Buffer>): number | string {
  const main = readArea(payload.subarray(optionsAt), into);
  if (main !== undefined) return main;
  const overload = into.get(optionCodes.overload);
  if (overload === undefined) return 0;
  into.delete(optionCodes.overload);
  const areas = overload.length === 1 ? overload.readUInt8(0) : 0;
  if (areas < 1 || areas > 3) return 'option 52 is not 1, 2 or 3';
  const file = (areas & overloadFile) === 0 ? undefined : readArea(payload.subarray(fileAt, cookieAt), into);
  const sname = (areas & overloadSname) === 0 ? undefined : readArea(payload.subarray(snameAt, fileAt), into);
  into.delete(optionCodes.overload);
  return file ?? sname ?? areas;
}

function readName(payload: Buffer, from: number, to: number): Buffer {
  if (payload.readUInt8(from) === 0) return noName;
  const end = payload.subarray(from, to).indexOf(0);
  return payload.subarray(from, end < 0 ? to : from + end);
}
