/**
 * Descriptors that other processes opened, and what Node cannot tell of them: the foreign calls of a plugin process (unix(7), cmsg(3)). Those that wait
 * do so on a thread of libuv's pool.
 */
import { closeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { promisify } from 'node:util';
import koffi from 'koffi';
import { readIp } from '../../contract/net/index.ts';
import { fail } from '../../contract/system/index.ts';

const afUnix = 1;
const sockStreamCloexec = 1 | 0o2000000;
const solSocket = 1;
const soReceiveTimeout = 20;
const soSendTimeout = 21;
const scmRights = 1;
const msgNoSignal = 0x4000;
const msgCmsgCloexec = 0x4000_0000;
const timeoutSeconds = 2;
/** struct sockaddr_un: a family and 108 bytes of path with a NUL. */
const unixAddressBytes = 110;
/** struct cmsghdr (length of 8 bytes, level, type), one descriptor, padded. */
const controlBytes = 24;

koffi.struct('weft_iovec', { base: 'void *', length: 'size_t' });
koffi.struct('weft_msghdr', {
  name: 'void *',
  nameLength: 'uint32_t',
  parts: 'weft_iovec *',
  partCount: 'size_t',
  control: 'void *',
  controlLength: 'size_t',
  flags: 'int',
});
const libc = koffi.load('libc.so.6');
const socket = libc.func('int socket(int domain, int type, int protocol)');
const setsockopt = libc.func('int setsockopt(int fd, int level, int name, void *value, uint32_t length)');
const connect = promisify(libc.func('int connect(int fd, void *address, uint32_t length)').async);
const send = promisify(libc.func('intptr_t send(int fd, void *data, size_t length, int flags)').async);
const recvmsg = promisify(libc.func('intptr_t recvmsg(int fd, _Inout_ weft_msghdr *message, int flags)').async);
const getsockname = libc.func('int getsockname(int fd, void *address, void *length)');

/** The descriptor that is given for a ticket at the UNIX socket with this path. Rejects with UNAVAILABLE when there is none within some seconds. */
export async function takeDescriptor(path: string, ticket: string): Promise<number> {
  const connection: number = socket(afUnix, sockStreamCloexec, 0);
  if (connection < 0) throw noDescriptor('no socket can be made');
  try {
    for (const option of [soReceiveTimeout, soSendTimeout]) setTimeoutOf(connection, option);
    const address = unixAddress(path);
    const refused = await connect(connection, address, address.length);
    // koffi holds none of the Buffers that it is given: they are looked at again after each call, so that they live that long.
    if (refused !== 0 || address.length !== unixAddressBytes) throw noDescriptor(`${path} does not answer`);
    const shown = Buffer.from(ticket);
    if ((await send(connection, shown, shown.length, msgNoSignal)) !== shown.length) throw noDescriptor(`${path} takes no ticket`);
    return await receive(connection);
  } finally {
    closeSync(connection);
  }
}

function noDescriptor(what: string) {
  return fail('UNAVAILABLE', `no socket of the service port was given: ${what}`, 'try again in a moment');
}

function setTimeoutOf(fd: number, option: number): void {
  const time = Buffer.alloc(16);
  time.writeBigInt64LE(BigInt(timeoutSeconds));
  setsockopt(fd, solSocket, option, time, time.length);
}

function unixAddress(path: string): Buffer {
  const address = Buffer.alloc(unixAddressBytes);
  address.writeUInt16LE(afUnix);
  if (Buffer.byteLength(path) > unixAddressBytes - 3) throw fail('INVALID', `the path ${path} is too long for a UNIX socket`);
  address.write(path, 2);
  return address;
}

async function receive(connection: number): Promise<number> {
  const byte = Buffer.alloc(1);
  const control = Buffer.alloc(controlBytes);
  const message = {
    name: null,
    nameLength: 0,
    parts: [{ base: byte, length: byte.length }],
    partCount: 1,
    control,
    controlLength: control.length,
    flags: 0,
  };
  const received = await recvmsg(connection, message, msgCmsgCloexec);
  const holdsOne =
    Number(control.readBigUInt64LE()) === 20 && control.readInt32LE(8) === solSocket && control.readInt32LE(12) === scmRights;
  if (received !== byte.length || !holdsOne) throw noDescriptor('the ticket was refused');
  return control.readInt32LE(16);
}

/**
 * The address that a TCP connection came to. Node looks for the interface of a link-local one in this process' own namespace, and throws. Undefined when
 * the connection is gone.
 */
export function localAddress(connection: Socket): string | undefined {
  const fd = (connection as unknown as { _handle?: { fd?: number } })._handle?.fd;
  if (fd === undefined || fd < 0) return undefined;
  const address = Buffer.alloc(28);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(address.length);
  if (getsockname(fd, address, length) !== 0) return undefined;
  const bytes = address.subarray(8, 24);
  const isMapped = bytes.readBigUInt64BE() === 0n && bytes.readUInt32BE(8) === 0xffff;
  return readIp(isMapped ? bytes.subarray(12) : bytes);
}
