/** Ways out of its process that nobody gave it. */
import { createSocket } from 'node:dgram';
import { readdirSync } from 'node:fs';
import { request } from 'node:http';
import { connect, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { dirname, join } from 'node:path';
import type { Act, Target, World } from '../world.ts';

const afNetlink = 16;
const afPacket = 17;
const sockRaw = 3;
const sockDatagram = 2;
const setFlags = 0x8914;

function reach(options: { path: string } | { host: string; port: number }): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(options as { path: string });
    socket.setTimeout(1_000, () => socket.destroy(new Error('no answer')));
    socket.once('connect', () => {
      socket.destroy();
      resolve('connected');
    });
    socket.once('error', reject);
  });
}

function listen(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(path, () => {
      server.close();
      resolve(`listens on ${path}`);
    });
  });
}

function send(host: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.once('error', reject);
    socket.send('x', 53, host, (error) => {
      socket.close();
      if (error) reject(error);
      else resolve(`sent to ${host}`);
    });
  });
}

/** Whatever the path of the plugin's own socket tells about that of others. */
function socketOf(world: World, plugin: string, which: number): string {
  return (world.paths[which] ?? '').replaceAll('hostile', plugin);
}

function get(path: string, socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, timeout: 2_000 }, (response) => {
      if (response.statusCode === 401 || response.statusCode === 403) reject(new Error(`status ${response.statusCode}`));
      else resolve(`status ${response.statusCode}`);
      response.resume();
    });
    asked.once('error', reject);
    asked.end();
  });
}

function interfaceDown({ libc }: World): number {
  const socket = libc('int socket(int, int, int)', 2, sockDatagram, 0);
  const wish = Buffer.alloc(40);
  wish.write('lo');
  return libc('int ioctl(int, unsigned long, void *)', socket, setFlags, wish);
}

export const socketActs: readonly Act[] = [
  { name: 'kernel-socket-of-another', run: (world) => reach({ path: socketOf(world, 'dns', 0) }) },
  { name: 'forwarder-socket-of-another', run: (world) => reach({ path: socketOf(world, 'dns', 1) }) },
  { name: 'punt-socket-of-another', run: (world) => reach({ path: socketOf(world, 'dns', 2) }) },
  { name: 'list-sockets-of-others', run: (world) => others(readdirSync(dirname(dirname(world.paths[0] ?? '')))) },
  { name: 'api', run: (_, { stateDir }) => get('/v1/status', join(stateDir, 'api.sock')) },
  { name: 'api-in-run-folder', run: (_, { runDir }) => get('/v1/status', join(runDir, 'api/api.sock')) },
  { name: 'tcp-to-host', run: (_, { tcpPort }) => reach({ host: '127.0.0.1', port: tcpPort }) },
  { name: 'tcp-outwards', run: () => reach({ host: '1.1.1.1', port: 443 }) },
  { name: 'udp-outwards', run: () => send('1.1.1.1') },
  { name: 'abstract-socket-of-host', run: (_: World, { abstractSocket }: Target) => reach({ path: abstractSocket }) },
  { name: 'bind-in-run-folder', run: (_, { runDir }) => listen(join(runDir, 'evil.sock')) },
  { name: 'bind-beside-own-socket', run: (world) => listen(join(dirname(world.paths[0] ?? ''), 'evil.sock')) },
  { name: 'see-interfaces-of-host', run: () => others(Object.keys(networkInterfaces()).filter((name) => name !== 'lo')) },
  { name: 'interface-down', run: (world) => interfaceDown(world) },
  { name: 'raw-ip-socket', run: ({ libc }) => libc('int socket(int, int, int)', 2, sockRaw, 1) },
  { name: 'packet-socket', run: ({ libc }) => libc('int socket(int, int, int)', afPacket, sockRaw, 0x0300) },
  { name: 'netlink-change', run: (world) => netlinkDown(world) },
];

function others(names: readonly string[]): string {
  const foreign = names.filter((name) => !name.includes('hostile'));
  if (foreign.length === 0) throw new Error('it sees nothing of others');
  return foreign.join(' ');
}

/** RTM_NEWLINK for interface 1, without a flag: down. The answer is an errno, 0 when it was done. */
function netlinkDown({ libc }: World): string {
  const socket = libc('int socket(int, int, int)', afNetlink, sockRaw, 0);
  const message = Buffer.alloc(32);
  message.writeUInt32LE(message.length, 0);
  message.writeUInt16LE(16, 4);
  message.writeUInt16LE(5, 6);
  message.writeInt32LE(1, 20);
  message.writeUInt32LE(1, 28);
  libc('int64_t send(int, void *, size_t, int)', socket, message, message.length, 0);
  const answer = Buffer.alloc(256);
  libc('int64_t recv(int, _Out_ void *, size_t, int)', socket, answer, answer.length, 0);
  const errno = answer.readInt32LE(16);
  if (errno < 0) throw new Error(`netlink: errno ${-errno}`);
  return 'lo is down';
}
