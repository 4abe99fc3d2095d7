/** Options as they stand in a message: code, length, value, one behind the other, up to the end option (RFC 2132 §2). */
import { optionCodes } from './option.ts';

/** Longest piece of an option. */
const pieceBytes = 255;

/**
 * Adds what the area holds to `into`, views into it; pieces of one option are joined (RFC 3396 §7). Returns what is wrong, if anything. A missing
 * end option is tolerated: some boot ROMs stop at the end of the packet.
 */
export function readArea(area: Buffer, into: Map<number, Buffer>): string | undefined {
  let at = 0;
  while (at < area.length) {
    const code = area.readUInt8(at);
    at += 1;
    if (code === optionCodes.end) return undefined;
    if (code === optionCodes.pad) continue;
    const length = area[at] ?? 0;
    if (at >= area.length || at + 1 + length > area.length) return `option ${code} is cut short`;
    const value = area.subarray(at + 1, at + 1 + length);
    const before = into.get(code);
    into.set(code, before === undefined ? value : Buffer.concat([before, value]));
    at += 1 + length;
  }
  return undefined;
}

/** Of all pieces with their headers (RFC 3396); an empty value is one piece. */
export function encodedBytes({ length }: Buffer): number {
  return length <= pieceBytes ? length + 2 : length + 2 * Math.ceil(length / pieceBytes);
}

/** Returns where the next option goes. */
function writeOption(bytes: Buffer, start: number, code: number, value: Buffer): number {
  let at = start;
  for (let from = 0; from === 0 || from < value.length; from += pieceBytes) {
    const length = Math.min(pieceBytes, value.length - from);
    bytes.writeUInt8(code, at);
    bytes.writeUInt8(length, at + 1);
    value.copy(bytes, at + 2, from, from + length);
    at += 2 + length;
  }
  return at;
}

/** Writes the options and the end option. */
export function writeArea(bytes: Buffer, start: number, options: ReadonlyMap<number, Buffer>): void {
  let at = start;
  for (const [code, value] of options) at = writeOption(bytes, at, code, value);
  bytes.writeUInt8(optionCodes.end, at);
}

/** Moves the options that fit, in order, out of `left`; one option is never spread over two areas. */
export function takeFitting(left: Map<number, Buffer>, space: number): Map<number, Buffer> {
  const taken = new Map<number, Buffer>();
  let free = space;
  for (const [code, value] of left) {
    const length = encodedBytes(value);
    if (length > free) continue;
    taken.set(code, value);
    free -= length;
    left.delete(code);
  }
  return taken;
}
