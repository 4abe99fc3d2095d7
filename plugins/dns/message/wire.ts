/** A bounds-checked reader and a growing writer for DNS messages, with name compression (RFC 1035 §4.1.4). */
import { labelKey, longestName, type Name } from './name.ts';

/** The only error that reading a message throws. */
export class DnsFormatError extends Error {}

const pointerBits = 0xc000;
/** No name has more labels, so none needs more pointers; each costs time, and a message of 64 KiB holds many thousands. */
const mostPointers = 127;

/** Labels read of one message; those that pointers lead to again do not count. No honest one of 64 KiB has a quarter of them. */
const mostLabels = 16_384;

/** What all readers of one message know of its names: thousands of records may point to the same one, of 127 labels. */
interface Names {
  readonly byOffset: Map<number, Name>;
  labels: number;
}

export class Reader {
  readonly #bytes: Buffer;
  readonly #end: number;
  readonly #names: Names;
  at: number;

  /** Reads `bytes` from `at` up to `end`; names may point anywhere before themselves. */
  constructor(bytes: Buffer, at = 0, end = bytes.length, names: Names = { byOffset: new Map(), labels: 0 }) {
    this.#names = names;
    this.#bytes = bytes;
    this.#end = end;
    this.at = at;
  }

  get left(): number {
    return this.#end - this.at;
  }

  uint16(): number {
    const from = this.#skip(2);
    return this.#bytes.readUInt16BE(from);
  }

  uint32(): number {
    const from = this.#skip(4);
    return this.#bytes.readUInt32BE(from);
  }

  /** The next `length` bytes, as a view. */
  take(length: number): Buffer {
    const from = this.#skip(length);
    return this.#bytes.subarray(from, from + length);
  }

  /** Returns where the skipped bytes begin. */
  #skip(length: number): number {
    if (length > this.left) throw new DnsFormatError('message is cut short');
    this.at += length;
    return this.at - length;
  }

  /** A reader of the next `length` bytes only; this one goes on behind them. */
  part(length: number): Reader {
    const from = this.at;
    this.take(length);
    return new Reader(this.#bytes, from, from + length, this.#names);
  }

  /** Each pointer must lead to before the place it was followed from, so no chain is endless, and there may be 127. */
  name(): Name {
    const labels: string[] = [];
    let length = 1;
    let cursor = this.at;
    let limit = this.#end;
    let earliest = this.at;
    let returnTo: number | undefined;
    let pointers = 0;
    let pointedTo: number | undefined;
    for (;;) {
      if (cursor >= limit) throw new DnsFormatError('name is cut short');
      const size = this.#bytes.readUInt8(cursor);
      if (size >= 0xc0) {
        if (cursor + 2 > limit) throw new DnsFormatError('name is cut short');
        const target = this.#bytes.readUInt16BE(cursor) & ~pointerBits;
        pointers += 1;
        if (pointers > mostPointers) throw new DnsFormatError('name has too many compression pointers');
        if (target >= earliest) throw new DnsFormatError('compression pointer does not lead back');
        returnTo ??= cursor + 2;
        if (labels.length === 0 && pointers === 1) {
          const known = this.#names.byOffset.get(target);
          if (known !== undefined) {
            this.at = returnTo;
            return known;
          }
          pointedTo = target;
        }
        earliest = target;
        cursor = target;
        limit = this.#bytes.length;
        continue;
      }
      if (size > 63) throw new DnsFormatError('label type is unknown');
      cursor += 1;
      if (size === 0) break;
      if (cursor + size > limit) throw new DnsFormatError('label is cut short');
      length += size + 1;
      if (length > longestName) throw new DnsFormatError('name is longer than 255 bytes');
      this.#names.labels += 1;
      if (this.#names.labels > mostLabels) throw new DnsFormatError('message has too many labels');
      labels.push(this.#bytes.toString('latin1', cursor, cursor + size));
      cursor += size;
    }
    this.at = returnTo ?? cursor;
    if (pointedTo !== undefined) this.#names.byOffset.set(pointedTo, labels);
    return labels;
  }
}

/** A name, as far as it is written. A tree of labels takes as long as the name is; keys of all its suffixes take that squared. */
interface Suffix {
  at: number;
  readonly below: Map<string, Suffix>;
}

const nowhere = -1;
/** What a pointer can lead to is before this. */
const mostOffset = 0x4000;

export class Writer {
  #bytes = Buffer.allocUnsafe(512);
  #length = 0;
  /** The names written so far, by label from right to left. */
  readonly #root: Suffix = { at: nowhere, below: new Map() };
  /** The same by the names themselves: the records of a set share one. */
  readonly #places = new Map<Name, Suffix>();
  /** Those of them that pointers may lead to, in the order of writing. */
  readonly #written: Suffix[] = [];

  get length(): number {
    return this.#length;
  }

  uint16(value: number): void {
    this.#room(2);
    this.#length = this.#bytes.writeUInt16BE(value, this.#length);
  }

  uint32(value: number): void {
    this.#room(4);
    this.#length = this.#bytes.writeUInt32BE(value, this.#length);
  }

  write(bytes: Buffer): void {
    this.#room(bytes.length);
    this.#length += bytes.copy(this.#bytes, this.#length);
  }

  /** `compress: false` for names in data that receivers need not know (RFC 3597 §4). The letters' case of the first writing stays. */
  name(name: Name, compress: boolean): void {
    const place = this.#places.get(name)?.at ?? nowhere;
    if (compress && place !== nowhere) {
      this.uint16(pointerBits | place);
      return;
    }
    const suffixes = this.#suffixesOf(name);
    if (suffixes[0] !== undefined) this.#places.set(name, suffixes[0]);
    const known = compress ? suffixes.findIndex(({ at }) => at !== nowhere) : -1;
    for (const [index, suffix] of suffixes.slice(0, known < 0 ? name.length : known).entries()) {
      if (suffix.at === nowhere && this.#length < mostOffset) {
        suffix.at = this.#length;
        this.#written.push(suffix);
      }
      this.#label(name[index] ?? '');
    }
    if (known < 0) this.#label('');
    else this.uint16(pointerBits | (suffixes[known]?.at ?? 0));
  }

  /** The places of a name and of those above it, the name's first; without the root's. */
  #suffixesOf(name: Name): readonly Suffix[] {
    const suffixes = new Array<Suffix>(name.length);
    let suffix = this.#root;
    for (let index = name.length - 1; index >= 0; index -= 1) {
      const key = labelKey(name[index] ?? '');
      const below = suffix.below.get(key) ?? { at: nowhere, below: new Map() };
      suffix.below.set(key, below);
      suffix = below;
      suffixes[index] = below;
    }
    return suffixes;
  }

  /** The empty one ends a name. */
  #label(label: string): void {
    this.#room(label.length + 1);
    this.#length = this.#bytes.writeUInt8(label.length, this.#length);
    this.#length += this.#bytes.write(label, this.#length, 'latin1');
  }

  /** Overwrites two bytes written before. */
  patchUint16(at: number, value: number): void {
    this.#bytes.writeUInt16BE(value, at);
  }

  /** Takes back everything from `length` on. */
  rewind(length: number): void {
    this.#length = length;
    for (let last = this.#written.at(-1); last !== undefined && last.at >= length; last = this.#written.at(-1)) {
      last.at = nowhere;
      this.#written.pop();
    }
  }

  finish(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  #room(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + more));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}
