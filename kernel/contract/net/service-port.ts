/** Service ports, behind which plugins have their sockets, among the ports of the forwarder: the last ids are theirs, by owner number. */
import { idLimit } from './rows.gen.ts';

/** Owner numbers are below this. */
const ownerLimit = 64;
const first = idLimit - ownerLimit;

export function servicePortId(owner: number): number {
  return first + owner;
}

/** The owner number of the plugin behind a port; undefined: it is no service port. */
export function servicePortOwner(id: number): number | undefined {
  return id > first && id < idLimit ? id - first : undefined;
}
