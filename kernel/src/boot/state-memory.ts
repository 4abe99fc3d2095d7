/** The forwarder's memory that outlives it: a file in tmpfs without a name, kept open by the launcher. */
import { randomUUID } from 'node:crypto';
import { closeSync, fstatSync, openSync, unlinkSync } from 'node:fs';

export interface StateMemory {
  readonly descriptor: number;
  /** Stands in the names of the links that a forwarder with this memory makes: `wf<tag>p<port id>`. */
  readonly linkTag: string;
}

/** The memory is freed with the last holder of the descriptor. */
export function openStateMemory(): StateMemory {
  // A name that nobody can take beforehand.
  const path = `/dev/shm/weft-${randomUUID()}`;
  const descriptor = openSync(path, 'wx+', 0o600);
  try {
    unlinkSync(path);
    return { descriptor, linkTag: linkTagOf(descriptor) };
  } catch (thrown) {
    closeSync(descriptor);
    throw thrown;
  }
}

/** As `make_tag` in forwarder/src/dataplane.c: three digits of base 36 from the file's inode and device. */
function linkTagOf(descriptor: number): string {
  const { ino, dev } = fstatSync(descriptor, { bigint: true });
  let seed = BigInt.asUintN(64, ino * 0x9e37_79b9_7f4a_7c15n) ^ dev;
  let tag = '';
  for (let digit = 0; digit < 3; digit++, seed /= 36n) tag += ((seed >> 8n) % 36n).toString(36);
  return tag;
}
