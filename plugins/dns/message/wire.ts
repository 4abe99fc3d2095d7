/** A bounds-checked reader and a growing writer for DNS messages, with name compression (RFC 1035 §4.1.4). */
import { longestName, type Name, nameKey } from './name.ts';

/** The only error that reading a message throws. */
export class DnsFormatError extends Error {}

const pointerBits = 0xc000;

export class Reader {
  readonly #bytes: Buffer;
  readonly #end: number;
  at: number;

  /** Reads `bytes` from `at` up to `end`; names may point anywhere before themselves. */
  constructor(bytes: Buffer, at = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#end = end;
    this.at = at;
  }

  get left(): number {
    return this.#end - this.at;
  }

  uint16(): number {
    return this.take(2).readUInt16BE();
  }

  uint32(): number {
    return this.take(4).readUInt32BE();
  }

  /** The next `length` bytes, as a view. */
  take(length: number): Buffer {
    if (length > this.left) throw new DnsFormatError('message is cut short');
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  /** A reader of the next `length` bytes only; this one goes on behind them. */
  part(length: number): Reader {
    const from = this.at;
    this.take(length);
    return new Reader(this.#bytes, from, from + length);
  }

  /** Each pointer must lead to before the place it was followed from, so no chain is endless and none is longer than a name. */
  name(): Name {
    const labels: string[] = [];
    let length = 1;
    let cursor = this.at;
    let limit = this.#end;
    let earliest = this.at;
    let returnTo: number | undefined;
    for (;;) {
      if (cursor >= limit) throw new DnsFormatError('name is cut short');
      const size = this.#bytes.readUInt8(cursor);
      if (size >= 0xc0) {
        if (cursor + 2 > limit) throw new DnsFormatError('name is cut short');
        const target = this.#bytes.readUInt16BE(cursor) & ~pointerBits;
        if (target >= earliest) throw new DnsFormatError('compression pointer does not lead back');
        returnTo ??= cursor + 2;
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
      labels.push(this.#bytes.toString('latin1', cursor, cursor + size));
      cursor += size;
    }
    this.at = returnTo ?? cursor;
    return labels;
  }
}

export class Writer {
  #bytes = Buffer.alloc(512);
  #length = 0;
  /** Where each name suffix written so far begins. */
  readonly #suffixes = new Map<string, number>();

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
    for (let index = 0; index < name.length; index += 1) {
      const suffix = nameKey(name.slice(index));
      const known = this.#suffixes.get(suffix);
      if (compress && known !== undefined) {
        this.uint16(pointerBits | known);
        return;
      }
      if (known === undefined && this.#length < 0x4000) this.#suffixes.set(suffix, this.#length);
      const label = Buffer.from(name[index] ?? '', 'latin1');
      this.write(Buffer.from([label.length]));
      this.write(label);
    }
    this.write(Buffer.from([0]));
  }

  /** Overwrites two bytes written before. */
  patchUint16(at: number, value: number): void {
    this.#bytes.writeUInt16BE(value, at);
  }

  /** Takes back everything from `length` on. */
  rewind(length: number): void {
    this.#length = length;
    for (const [suffix, at] of this.#suffixes) if (at >= length) this.#suffixes.delete(suffix);
  }

  finish(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  #room(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = Buffer.alloc(Math.max(this.#bytes.length * 2, this.#length + more));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}
