/** Messages as bytes: one msgpack value per frame. Buffers travel as bin and come back as Buffers that alias the received frame. */
import { Packr } from 'msgpackr';
import { inspect } from './inspect.ts';

const packr = new Packr({ useRecords: false, mapsAsObjects: true, variableMapSize: true, useBigIntExtension: true });

/** The returned buffer is the caller's own. */
export function encode(value: unknown): Buffer {
  return packr.pack(value);
}

/** Throws when the bytes are not exactly one msgpack value. */
export function decode(bytes: Buffer): unknown {
  return packr.unpack(bytes);
}

/** Of a stranger: throws, before it takes memory, for what is deeper, larger or of other types than anything that Weft sends. */
export function decodeStrange(bytes: Buffer): unknown {
  inspect(bytes);
  return packr.unpack(bytes);
}
