import type { BusServer } from '@weft/kernel/bus';
import { packPunt } from '@weft/kernel/contract/net';
import test from 'ava';
import { PeerSockets } from './peers.ts';

/** The sockets of one plugin over a library that takes `taken` records of each frame, or throws. */
async function setup(puntClasses: number, taken: number | Error) {
  const refused: string[] = [];
  const injected: number[] = [];
  let onFrame: (frame: Buffer) => void = () => undefined;
  const server = {
    setKey: async () => undefined,
    channel: async () => ({}),
    raw: async (options: { onFrame: typeof onFrame }) => {
      ({ onFrame } = options);
      return { drops: 0 };
    },
  };
  const sockets = new PeerSockets({
    server: server as unknown as BusServer,
    forwarder: {
      ownerOpen: () => 1,
      inject: (owner: number) => {
        injected.push(owner);
        if (taken instanceof Error) throw taken;
        return taken;
      },
    },
    pump: { setSink: () => undefined } as never,
    services: { open: async () => undefined, close: () => undefined },
    runDir: '/tmp/never',
    handlers: () => ({}) as never,
    refusals: { record: (peer: string, act: string) => void refused.push(`${peer} ${act}`) },
    log: { error: () => undefined } as never,
  } as never);
  const limits = { rate: 1, burst: 1, portRate: 1, portBurst: 1 };
  const classes = Array.from({ length: puntClasses }, (_, index) => ({ name: `c${index}`, ...limits }));
  await sockets.set({ evil: { publicKey: '', grants: { rows: [], reads: [], writes: [] }, puntClasses: classes } });
  return { refused, injected, send: (frame: Buffer) => onFrame(frame) };
}

const frames = Buffer.concat([1, 2, 3].map((port) => packPunt({ port, generation: 1, frame: Buffer.alloc(61) })));

test('a plugin without a punt class sends no frames', async (t) => {
  const { refused, injected, send } = await setup(0, 3);
  send(frames);
  t.deepEqual([refused, injected], [['evil inject'], []]);
});

test('frames that all left are nothing to tell of', async (t) => {
  const { refused, injected, send } = await setup(1, 3);
  send(frames);
  t.deepEqual([refused, injected], [[], [1]]);
});

test('frames with a stale generation, and batches that are malformed, are counted', async (t) => {
  const stale = await setup(1, 1);
  stale.send(frames);
  t.deepEqual(stale.refused, ['evil inject-lost']);
  const malformed = await setup(1, new Error('record 0: version 9'));
  malformed.send(Buffer.alloc(64, 9));
  t.deepEqual(malformed.refused, ['evil inject']);
});
