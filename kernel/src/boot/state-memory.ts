/** The forwarder's memory that outlives it: a file in tmpfs without a name, kept open by the launcher. */
import { randomInt, randomUUID } from 'node:crypto';
import { closeSync, openSync, statfsSync, unlinkSync } from 'node:fs';
import { fail } from '../../contract/system/index.ts';

export interface StateMemory {
  readonly descriptor: number;
  /** Three of a-z, 0-9: stands in the names of the links that a forwarder with this memory makes, `wf<tag>p<port id>`. */
  readonly linkTag: string;
}

const folder = '/dev/shm';
const mib = 1024 * 1024;
/** In the memory, of one that the forwarder remembers. */
const flowBytes = 256;
/** Of the outside ports of an address that is used up. */
const natAddressMib = 6.04;

/**
 * Throws UNAVAILABLE when the flows and outside ports that VMs may use do not fit: a process that writes to a full tmpfs is ended, and they could do
 * that at will. What else is in the memory grows with objects only.
 */
export function assertRoom(flowPairs: number, natAddresses: number, dir = folder): void {
  const { bavail, bsize } = statfsSync(dir);
  const [needed, free] = [Math.ceil((flowPairs * flowBytes) / mib + natAddresses * natAddressMib), Math.floor((bavail * bsize) / mib)];
  if (needed <= free) return;
  throw fail(
    'UNAVAILABLE',
    `${flowPairs} flows and ${natAddresses} shared addresses may take ${needed} MiB in ${dir}, where ${free} MiB are free`,
    `make it larger (mount -o remount,size=50% ${dir}) or lower the setting forwarder.flows.pairs or forwarder.nat.addresses`,
  );
}

/** The memory is freed with the last holder of the descriptor. */
export function openStateMemory(): StateMemory {
  // A name that nobody can take beforehand.
  const path = `${folder}/weft-${randomUUID()}`;
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
