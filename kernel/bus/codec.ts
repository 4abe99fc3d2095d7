/** Messages as bytes: one msgpack value per frame. Buffers travel as bin and come back as Buffers that alias the received frame. */
import { Packr } from 'msgpackr';

const packr = new Packr({ useRecords: false, mapsAsObjects: true, variableMapSize: true, useBigIntExtension: true });

/** The returned buffer is the caller's own. */
export function encode(value: unknown): Buffer {
  return packr.pack(value);
}

/** Throws when the bytes are not exactly one msgpack value. */
export function decode(bytes: Buffer): unknown {
  return packr.unpack(bytes);
}
