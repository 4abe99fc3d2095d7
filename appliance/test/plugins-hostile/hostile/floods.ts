/** What takes more than a plugin's share: begun by the operation `flood`, each goes on until `end` (by `performance.now()`). */
import { openSync, writeSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { packUpsert } from '@weft/kernel/contract/net';
import type { AnySocket, World } from './world.ts';
import { requireFromSdk } from './world.ts';

type Flood = (world: World, end: number) => Promise<unknown>;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const quiet = (promise: Promise<unknown>): Promise<unknown> => promise.catch(() => undefined);

/** `width` calls at a time. */
async function calls(end: number, width: number, call: () => Promise<unknown>): Promise<void> {
  const lane = async (): Promise<void> => {
    while (performance.now() < end) {
      await quiet(call());
      // A refusal may come without a turn of the event loop.
      await turn();
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
}

/** Straight into a socket of the SDK, between its own messages. */
async function frames(end: number, socket: AnySocket, frame: () => unknown): Promise<void> {
  while (performance.now() < end) {
    for (let n = 0; n < 200; n++) await quiet(socket.send(frame()));
    await turn();
  }
}

function encoder(): (value: unknown) => Buffer {
  return (requireFromSdk('msgpackr') as { pack(value: unknown): Buffer }).pack;
}

export const floods: Readonly<Record<string, Flood>> = {
  requests: ({ kernel }, end) => calls(end, 500, () => kernel.call('objects.list', { kinds: ['Port', 'Mischief'] })),
  refusals: ({ kernel }, end) => calls(end, 100, () => kernel.call('objects.list', { kinds: ['Secret'] })),
  writes: ({ kernel }, end) => {
    let n = 0;
    const next = () => ({ kind: 'Mischief', metadata: { name: `m${n++ % 500}`, project: 'default' }, spec: { size: `${n}` } });
    return calls(end, 200, () => kernel.call('objects.apply', { apply: [next()], delete: [] }));
  },
  alarms: ({ kernel }, end) => {
    let n = 0;
    return calls(end, 100, () => kernel.call('alarm.set', { key: `n${n++ % 50}`, severity: 'warning', subject: 'x', text: `${n}` }));
  },
  malformed: ({ sockets }, end) => frames(end, sockets.kernel, () => Buffer.alloc(64, 0xc1)),
  hellos: ({ sockets }, end) => {
    const pack = encoder();
    return frames(end, sockets.kernel, () => pack({ h: `${Math.random()}`, a: '' }));
  },
  deep: ({ sockets }, end) => frames(end, sockets.kernel, () => Buffer.alloc(100_000, 0x91)),
  streams: async ({ kernel }, end) => {
    const open = Array.from({ length: 10_000 }, () => quiet(kernel.stream('objects.watch', { kinds: ['Port'], since: 0 }).next()));
    while (performance.now() < end) await turn();
    return open.length;
  },
  rows: ({ forwarder, context }, end) => {
    const puntClass = context.punts.classNumber('mischief');
    const row = (l4Port: number) =>
      packUpsert({ ...{ table: 'service', vrf: 7, protocol: 17, l4Port, address: '0.0.0.0', action: 0, puntClass } });
    const ops = Buffer.concat(Array.from({ length: 2_000 }, (_, index) => row(index + 1)));
    return calls(end, 200, async () => {
      const { generation } = await forwarder.call('rows.begin', {});
      await forwarder.call('rows.apply', { generation, ops });
    });
  },
  readings: ({ forwarder }, end) => calls(end, 500, () => forwarder.call('stats.read', {})),
  injects: ({ sockets }, end) => frames(end, sockets.punts, () => Buffer.alloc(64_000, 0x01)),
  /** One frame that says it has a gigabyte, in front of any handshake. */
  gigabyte: ({ paths }, end) => gigabyte(paths[0] ?? '', end),
  /** Parts without a last one. */
  endless: async ({ sockets }) => {
    const part = Buffer.alloc(1 << 20);
    await sockets.kernel.send(Array.from({ length: 1_500 }, () => part));
  },
  connections: async ({ paths }, end) => {
    while (performance.now() < end) {
      const sockets = Array.from({ length: 50 }, () => connect(paths[0] ?? '').on('error', () => undefined));
      await turn();
      for (const socket of sockets) socket.destroy();
    }
  },
  memory: async (_, end) => {
    const held: Buffer[] = [];
    while (performance.now() < end) {
      held.push(Buffer.alloc(8 << 20, 1));
      await turn();
    }
    return held.length;
  },
  spin: async (_, end) => {
    while (performance.now() < end);
  },
  disk: async ({ context }, end) => {
    const file = openSync(join(context.stateDir, 'large'), 'w');
    const part = Buffer.alloc(1 << 20, 1);
    for (let mib = 0; performance.now() < end; mib++) {
      writeSync(file, part);
      if (mib % 16 === 0) await turn();
    }
  },
};

/** The greeting of ZMTP 3.1 with the mechanism NULL, then the header of a long message, then zeros until somebody closes. */
function gigabyte(path: string, end: number): Promise<string> {
  const greeting = Buffer.alloc(64);
  Buffer.from([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1]).copy(greeting);
  greeting.write('CURVE', 12);
  const header = Buffer.alloc(9);
  header.writeUInt8(2, 0);
  header.writeBigUInt64BE(1n << 30n, 1);
  return new Promise((resolve, reject) => {
    let sent = 0;
    const socket = connect(path, () => socket.write(Buffer.concat([greeting, header]), pour));
    const part = Buffer.alloc(1 << 20);
    const pour = (): void => {
      if (performance.now() > end || sent > 1 << 30) resolve(`${sent} bytes were taken`);
      else {
        sent += part.length;
        socket.write(part, pour);
      }
    };
    socket.once('error', () => undefined);
    socket.once('close', () => reject(new Error(`closed after ${sent} bytes`)));
  });
}
