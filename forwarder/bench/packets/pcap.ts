/** Frames of a classic pcap file in this machine's byte order, with times in µs or ns (draft-ietf-opsawg-pcap). */
import { readFileSync } from 'node:fs';

const magics = [0xa1b2c3d4, 0xa1b23c4d];
const fileHeaderBytes = 24;
const frameHeaderBytes = 16;

/** Frames in the order they were written; one that is cut short at the end is still being written. Throws an Error when there is no such file. */
export function readPcap(path: string): Buffer[] {
  return parsePcap(readFileSync(path), path);
}

export function parsePcap(bytes: Buffer, name: string): Buffer[] {
  if (bytes.length < fileHeaderBytes) return [];
  if (!magics.includes(bytes.readUInt32LE(0))) throw new Error(`${name} is no pcap file in little-endian byte order`);
  const frames: Buffer[] = [];
  for (let at = fileHeaderBytes; at + frameHeaderBytes <= bytes.length; ) {
    const from = at + frameHeaderBytes;
    const to = from + bytes.readUInt32LE(at + 8);
    if (to > bytes.length) break;
    frames.push(bytes.subarray(from, to));
    at = to;
  }
  return frames;
}
