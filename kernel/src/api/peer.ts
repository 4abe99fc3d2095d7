/** Who is at the other end of a unix socket: SO_PEERCRED, socket(7). The one foreign call of the kernel process. */
import type { Socket } from 'node:net';
import koffi from 'koffi';

const solSocket = 1;
const soPeercred = 17;
const credBytes = 12; // struct ucred: pid, uid, gid, 32 bits each

const getsockopt = koffi.load('libc.so.6').func('int getsockopt(int fd, int level, int name, void *value, void *length)');

/** Effective user id of the process that connected, or null when the socket cannot tell (closed, or no unix socket). */
export function peerUid(socket: Socket): number | null {
  const fd = (socket as unknown as { _handle?: { fd?: number } })._handle?.fd;
  if (fd === undefined || fd < 0) return null;
  const credentials = Buffer.alloc(credBytes);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(credBytes);
  if (getsockopt(fd, solSocket, soPeercred, credentials, length) !== 0 || length.readUInt32LE() !== credBytes) return null;
  const uid = credentials.readUInt32LE(4);
  return uid === 0xffff_ffff ? null : uid;
}
