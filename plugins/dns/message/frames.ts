/** Messages in a stream: two bytes of length before each (RFC 1035 §4.2.2, RFC 7766 §8), cut anywhere by TCP. */

const lengthBytes = 2;

export class FrameReader {
  readonly #longest: number;
  /** Not looked at yet. */
  #chunk: Buffer = Buffer.alloc(0);
  /** The beginning of the message that the last chunk ended in. */
  #held: Buffer = Buffer.alloc(0);
  #length: number | undefined;
  /** Of the present message, seen so far. */
  #seen = 0;
  #firstLengthByte: number | undefined;

  /** @param longest bytes of a message that are handed out; the rest of a longer one is passed over */
  constructor(longest: number) {
    this.#longest = longest;
  }

  /** Takes what came in. */
  push(chunk: Buffer): void {
    this.#chunk = this.#chunk.length === 0 ? chunk : Buffer.concat([this.#chunk, chunk]);
  }

  /** The next whole message (of a longer one the beginning), undefined when the rest of it has not come yet. */
  next(): Buffer | undefined {
    const length = this.#length ?? this.#readLength();
    if (length === undefined) return undefined;
    this.#length = length;
    const part = this.#chunk.subarray(0, length - this.#seen);
    const kept = part.subarray(0, Math.max(0, this.#longest - this.#seen));
    this.#chunk = this.#chunk.subarray(part.length);
    this.#seen += part.length;
    const bytes = this.#held.length === 0 ? kept : Buffer.concat([this.#held, kept]);
    if (this.#seen < length) {
      // A copy, so that the few bytes of a slow sender do not hold whole chunks.
      this.#held = kept.length === 0 ? this.#held : Buffer.from(bytes);
      return undefined;
    }
    this.#held = Buffer.alloc(0);
    this.#length = undefined;
    this.#seen = 0;
    return bytes;
  }

  #readLength(): number | undefined {
    const first = this.#firstLengthByte;
    if (this.#chunk.length + (first === undefined ? 0 : 1) < lengthBytes) {
      if (this.#chunk.length > 0) this.#firstLengthByte = this.#chunk.readUInt8(0);
      this.#chunk = this.#chunk.subarray(this.#chunk.length);
      return undefined;
    }
    const length = first === undefined ? this.#chunk.readUInt16BE(0) : (first << 8) | this.#chunk.readUInt8(0);
    this.#chunk = this.#chunk.subarray(first === undefined ? lengthBytes : 1);
    this.#firstLengthByte = undefined;
    return length;
  }
}

/** A message with its length before it, to be written at once (RFC 7766 §8). Throws a RangeError beyond 65,535 bytes. */
export function framed(message: Buffer): Buffer {
  const out = Buffer.allocUnsafe(lengthBytes + message.length);
  out.writeUInt16BE(message.length, 0);
  message.copy(out, lengthBytes);
  return out;
}
