/** Listens on a pipe of libforwarder: bytes mean "look again" and carry nothing else. */
import { constants, openSync } from 'node:fs';
import { Socket } from 'node:net';

/** Calls back for every read. `descriptor` stays the library's: the pipe is opened once more. Returns a function that stops it. */
export function onWake(descriptor: number, wake: () => void): () => void {
  const socket = new Socket({
    fd: openSync(`/proc/self/fd/${descriptor}`, constants.O_RDONLY | constants.O_NONBLOCK),
    readable: true,
    writable: false,
    onread: {
      buffer: Buffer.alloc(64),
      callback: () => {
        wake();
        return true;
      },
    },
  });
  return () => socket.destroy();
}
