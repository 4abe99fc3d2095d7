/**
 * Looks through a msgpack message (github.com/msgpack/msgpack/blob/master/spec.md) of a stranger before anything is made of it: a list header of
 * five bytes may promise four thousand million values, and the decoder would take their memory at once.
 */
import { messageDepth, messageValues } from './limits.ts';

/** Extensions that Weft's encoder writes: undefined, and integers beyond 64 bits. All others make the decoder run code of theirs. */
const knownExtensions: readonly number[] = [0, 0x42];

/** Bytes that follow the byte that tells the type: of numbers. */
const scalarBytes = sizes({ 202: 4, 203: 8, 204: 1, 205: 2, 206: 4, 207: 8, 208: 1, 209: 2, 210: 4, 211: 8 });
/** Of the length of binaries and strings. */
const lengthBytes = sizes({ 196: 1, 197: 2, 198: 4, 217: 1, 218: 2, 219: 4 });
/** Of the length of lists and maps. */
const listLengthBytes = sizes({ 220: 2, 221: 4, 222: 2, 223: 4 });
const extensionLengthBytes = sizes({ 199: 1, 200: 2, 201: 4 });

function sizes(byType: Readonly<Record<number, number>>): ReadonlyMap<number, number> {
  return new Map(Object.entries(byType).map(([type, bytes]) => [Number(type), bytes]));
}

/** Throws a RangeError when the bytes are not exactly one value, or one that is too deep, too many or of a foreign type. */
export function inspect(bytes: Buffer): void {
  const walk = new Walk(bytes);
  walk.whole();
}

class Walk {
  readonly #bytes: Buffer;
  #at = 0;
  /** Values that are still to come, by depth. */
  readonly #open: number[] = [1];
  #values = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  whole(): void {
    const open = this.#open;
    while (open.length > 0) {
      const left = open[open.length - 1] as number;
      if (left === 0) open.pop();
      else {
        open[open.length - 1] = left - 1;
        this.#value();
      }
    }
    if (this.#at !== this.#bytes.length) throw new RangeError(`${this.#bytes.length - this.#at} bytes follow the value`);
  }

  #value(): void {
    const type = this.#number(1);
    const scalar = scalarBytes.get(type);
    const length = lengthBytes.get(type);
    const list = listLengthBytes.get(type);
    if (type <= 0x7f || type >= 0xe0 || type === 0xc0 || type === 0xc2 || type === 0xc3) return;
    if (type <= 0x8f) this.#contain(2 * (type & 0x0f));
    else if (type <= 0x9f) this.#contain(type & 0x0f);
    else if (type <= 0xbf) this.#skip(type & 0x1f);
    else if (scalar !== undefined) this.#skip(scalar);
    else if (length !== undefined) this.#skip(this.#number(length));
    else if (list !== undefined) this.#contain((type >= 0xde ? 2 : 1) * this.#number(list));
    else this.#extension(type);
  }

  #extension(type: number): void {
    const told = extensionLengthBytes.get(type);
    if (told === undefined && (type < 0xd4 || type > 0xd8)) throw new RangeError(`no value begins with the byte ${type}`);
    const length = told === undefined ? 1 << (type - 0xd4) : this.#number(told);
    const extension = this.#number(1);
    if (!knownExtensions.includes(extension)) throw new RangeError(`an extension of type ${extension}`);
    this.#skip(length);
  }

  /** Each value takes one byte at least. */
  #contain(values: number): void {
    if (values > this.#bytes.length - this.#at) throw new RangeError('a list or map is cut short');
    this.#values += values;
    if (this.#values > messageValues) throw new RangeError(`more than ${messageValues} values`);
    if (this.#open.length >= messageDepth) throw new RangeError(`nested deeper than ${messageDepth}`);
    this.#open.push(values);
  }

  #skip(length: number): void {
    this.#at += length;
    if (this.#at > this.#bytes.length) throw new RangeError('it is cut short');
  }

  #number(length: number): number {
    const from = this.#at;
    this.#skip(length);
    if (length === 1) return this.#bytes[from] as number;
    return length === 2 ? this.#bytes.readUInt16BE(from) : this.#bytes.readUInt32BE(from);
  }
}
