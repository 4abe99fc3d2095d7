/** The forwarder's memory that outlives it: a file in tmpfs without a name, kept open by the launcher. */
import { randomInt, randomUUID } from 'node:crypto';
import { closeSync, openSync, unlinkSync } from 'node:fs';

export interface StateMemory {
  readonly descriptor: number;
  /** Three of a-z, 0-9: stands in the names of the links that a forwarder with this memory makes, `wf<tag>p<port id>`. */
  readonly linkTag: string;
}

/** The memory is freed with the last holder of the descriptor. */
export function openStateMemory(): StateMemory {
  // A name that nobody can take beforehand.
  const path = `/dev/shm/weft-${randomUUID()}`;
  const descriptor = openSync(path, 'wx+', 0o600);
  try {
    unlinkSync(path);
    return {
      descriptor,
      linkTag: randomInt(36 ** 3)
        .toString(36)
        .padStart(3, '0'),
    };
  } catch (thrown) {
    closeSync(descriptor);
    throw thrown;
  }
}
