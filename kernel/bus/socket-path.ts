import { fail } from '../contract/system/errors.ts';

/** Linux keeps paths of unix sockets in 108 bytes with the final zero. */
const maxPathBytes = 107;

/** Throws when a path is too long for a unix socket. */
export function checkPath(path: string): void {
  const length = Buffer.byteLength(path);
  if (length > maxPathBytes)
    throw fail('INVALID', `socket path has ${length} bytes, the limit is ${maxPathBytes} (${path})`, 'choose a shorter run directory');
}
