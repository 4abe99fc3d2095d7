/**
 * DHCP messages: bytes ↔ `DhcpMessage` (RFC 2131 §2). No I/O, no rules; every read is bounds-checked.
 *
 *   op 1 · htype 1 · hlen 1 · hops 1 · xid 4 · secs 2 · flags 2 · ciaddr 4 · yiaddr 4 · siaddr 4 · giaddr 4
 *   chaddr 16 · sname 64 · file 128 · cookie 63 82 53 63 · options
 */
import { readIpv4, writeIpv4 } from '@weft/kernel/contract/net';
import { optionCodes } from './option.ts';

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
  /** Values by code, in order of first appearance; pieces of one option are joined (RFC 3396 §7), option 52 is resolved and left out. */
  readonly options: ReadonlyMap<number, Buffer>;
}

export type Parsed = { readonly ok: true; readonly message: DhcpMessage } | { readonly ok: false; readonly reason: string };

export interface Built {
  readonly bytes: Buffer;
  /** Codes of the options that did not fit. */
  readonly omitted: readonly number[];
}

/** Flag bit of RFC 2131 §2: the client cannot take unicast yet. */
export const broadcastFlag = 0x8000;

const snameAt = 44;
const fileAt = 108;
const cookieAt = 236;
const optionsAt = 240;
const cookie = 0x63825363;
/** RFC 1542 §2.1: shorter messages are dropped by old relays and clients. */
const minimumBytes = 300;

/** Reads a UDP payload. `reason` says what is malformed. Never throws. */
export function parseDhcp(payload: Buffer): Parsed {
  if (payload.length < optionsAt) return { ok: false, reason: `message of ${payload.length} bytes is shorter than a DHCP header` };
  if (payload.readUInt32BE(cookieAt) !== cookie) return { ok: false, reason: 'no DHCP cookie (BOOTP is not served)' };
  if (payload.readUInt8(2) > 16) return { ok: false, reason: 'hardware address is longer than 16 bytes' };
  const options = new Map<number, Buffer>();
  const reason = parseOptions(payload, options);
  if (reason !== undefined) return { ok: false, reason };
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
      chaddr: Buffer.from(payload.subarray(28, snameAt)),
      options,
    },
  };
}

/**
 * Writes a message of at most `limit` bytes (at least 300). Options go out in the map's order, longer ones than 255 bytes in pieces (RFC 3396);
 * what does not fit the options field goes to `file`, then `sname` (option 52), then is left out and named in `omitted`.
 */
export function buildDhcp(message: DhcpMessage, limit: number): Built {
  const fields = Buffer.alloc(optionsAt);
  fields.writeUInt8(message.op, 0);
  fields.writeUInt8(message.htype, 1);
  fields.writeUInt8(message.hlen, 2);
  fields.writeUInt8(message.hops, 3);
  fields.writeUInt32BE(message.xid, 4);
  fields.writeUInt16BE(message.secs, 8);
  fields.writeUInt16BE(message.flags, 10);
  writeIpv4(fields, 12, message.ciaddr);
  writeIpv4(fields, 16, message.yiaddr);
  writeIpv4(fields, 20, message.siaddr);
  writeIpv4(fields, 24, message.giaddr);
  message.chaddr.copy(fields, 28, 0, 16);
  fields.writeUInt32BE(cookie, cookieAt);

  const pieces = new Map([...message.options].map(([code, value]) => [code, encodeOption(code, value)]));
  const space = limit - optionsAt - 1;
  const whole = [...pieces.values()].reduce((sum, piece) => sum + piece.length, 0) <= space;
  // Three bytes stay free for option 52 itself.
  const main = takeFitting(pieces, whole ? space : space - 3);
  const file = takeFitting(pieces, cookieAt - fileAt - 1);
  const sname = takeFitting(pieces, fileAt - snameAt - 1);
  const overload = (file.length > 0 ? 1 : 0) | (sname.length > 0 ? 2 : 0);
  if (overload !== 0) main.push(Buffer.from([optionCodes.overload, 1, overload]));
  const end = Buffer.from([optionCodes.end]);
  if (file.length > 0) Buffer.concat([...file, end]).copy(fields, fileAt);
  if (sname.length > 0) Buffer.concat([...sname, end]).copy(fields, snameAt);
  const used = Buffer.concat([fields, ...main, end]);
  const bytes = used.length >= minimumBytes ? used : Buffer.concat([used, Buffer.alloc(minimumBytes - used.length)]);
  return { bytes, omitted: [...pieces.keys()] };
}

/** RFC 3396 §5: the areas are read as options field, then file, then sname (RFC 2131 §4.1). Returns what is wrong, if anything. */
function parseOptions(payload: Buffer, into: Map<number, Buffer>): string | undefined {
  const main = readArea(payload.subarray(optionsAt), into);
  const overload = into.get(optionCodes.overload);
  into.delete(optionCodes.overload);
  if (main !== undefined || overload === undefined) return main;
  const which = overload.length === 1 ? overload.readUInt8(0) : 0;
  if (which < 1 || which > 3) return 'option 52 is not 1, 2 or 3';
  const file = (which & 1) === 0 ? undefined : readArea(payload.subarray(fileAt, cookieAt), into);
  const sname = (which & 2) === 0 ? undefined : readArea(payload.subarray(snameAt, fileAt), into);
  into.delete(optionCodes.overload);
  return file ?? sname;
}

/** A missing end option is tolerated: some boot ROMs stop at the end of the packet. */
function readArea(area: Buffer, into: Map<number, Buffer>): string | undefined {
  let at = 0;
  while (at < area.length) {
    const code = area.readUInt8(at);
    at += 1;
    if (code === optionCodes.end) return undefined;
    if (code === optionCodes.pad) continue;
    const length = area[at] ?? 0;
    if (at >= area.length || at + 1 + length > area.length) return `option ${code} is cut short`;
    const value = area.subarray(at + 1, at + 1 + length);
    into.set(code, Buffer.concat([into.get(code) ?? Buffer.alloc(0), value]));
    at += 1 + length;
  }
  return undefined;
}

function encodeOption(code: number, value: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at === 0 || at < value.length; at += 255) {
    const piece = value.subarray(at, at + 255);
    pieces.push(Buffer.from([code, piece.length]), piece);
  }
  return Buffer.concat(pieces);
}

/** Moves the options that fit, in order, out of `pieces`; one option is never spread over two areas. */
function takeFitting(pieces: Map<number, Buffer>, space: number): Buffer[] {
  const taken: Buffer[] = [];
  let left = space;
  for (const [code, piece] of pieces) {
    if (piece.length > left) continue;
    taken.push(piece);
    left -= piece.length;
    pieces.delete(code);
  }
  return taken;
}
