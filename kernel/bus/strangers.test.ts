/** A server and a client that does what it should not, over real sockets. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { Dealer } from 'zeromq';
import type { Stream, Unary } from '../contract/system/wire.ts';
import { Budget, BusServer, connect, decode, encode, newKeyPair } from './index.ts';
import { inFlightBytes, servedStreams, serverMessageBytes } from './limits.ts';

interface Served {
  readonly double: Unary<{ n: number }, { n: number }>;
  readonly take: Unary<Buffer, Record<string, never>>;
  readonly spin: Unary<{ ms: number }, Record<string, never>>;
  readonly never: Stream<Record<string, never>, number>;
  readonly large: Unary<Record<string, never>, { bytes: Buffer }>;
}

function spin(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}

/** A server of two clients, `evil` and `good`; `refused`: what evil was refused, by act. */
async function open(t: ExecutionContext) {
  const dir = await mkdtemp(join(tmpdir(), 'weft-strangers-'));
  const serverKeys = newKeyPair();
  const server = await BusServer.open(serverKeys);
  const refused = new Map<string, number>();
  const path = (client: string): string => join(dir, `${client}.sock`);
  const keys = { evil: newKeyPair(), good: newKeyPair() };
  for (const client of ['evil', 'good'] as const) {
    await server.setKey(client, keys[client].publicKey);
    await server.channel<Served, object>({
      client,
      path: path(client),
      handlers: {
        double: ({ n }) => ({ n: 2 * n }),
        take: () => new Promise(() => undefined),
        spin: ({ ms }) => {
          spin(ms);
          return {};
        },
        async *never(_, { signal }) {
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
        },
        large: () => ({ bytes: Buffer.alloc(4 << 20) }),
      },
      budget: new Budget({ share: 0.25, burstMs: 100 }),
      onRefused: (act) => void refused.set(act, (refused.get(act) ?? 0) + (client === 'evil' ? 1 : 0)),
    });
  }
  const dealer = (): Dealer => {
    const socket = new Dealer({
      ...{ curveServerKey: serverKeys.publicKey, curvePublicKey: keys.evil.publicKey, curveSecretKey: keys.evil.secretKey, linger: 0 },
      receiveHighWaterMark: 1,
    });
    socket.connect(`ipc://${path('evil')}`);
    t.teardown(() => socket.close());
    return socket;
  };
  const caller = (client: 'evil' | 'good') => {
    const { caller: to, close } = connect<object, Served>({
      ...{ peer: 'server', path: path(client), keys: keys[client], serverKey: serverKeys.publicKey, handlers: {} },
    });
    t.teardown(close);
    return to;
  };
  t.teardown(async () => {
    await server.close();
    await rm(dir, { recursive: true });
  });
  return { refused, dealer, caller };
}

/** Brings the link up by hand: the two epochs. */
async function greet(socket: Dealer): Promise<void> {
  await socket.send(encode({ h: 'evil', a: '' }));
  const [hello] = await socket.receive();
  const { h } = decode(hello as Buffer) as { h: string };
  await socket.send(encode({ h: 'evil', a: h }));
  await socket.receive();
}

test.serial('malformed messages are dropped and counted, one that is odd is mended, and the link lives on', async (t) => {
  const { refused, dealer } = await open(t);
  const socket = dealer();
  await greet(socket);
  const junk = [
    Buffer.alloc(0),
    Buffer.from('junk'),
    Buffer.from([0xdd, 255, 255, 255, 255]),
    Buffer.alloc(99_999, 0x91),
    encode({ i: 1 }),
    encode({ i: 1, e: null }),
  ];
  for (const message of junk) await socket.send(message);
  await socket.send(['two', 'parts']);
  await socket.send(encode({ i: 9, m: 'nothing', p: {}, d: 0 }));
  t.like(decode((await socket.receive())[0] as Buffer), { i: 9, e: { code: 'NOT_FOUND' } });
  await socket.send(encode({ i: 10, m: 'double', p: { n: 2 }, d: 0 }));
  t.deepEqual(decode((await socket.receive())[0] as Buffer), { i: 10, r: { n: 4 } });
  t.deepEqual(Object.fromEntries(refused), { malformed: junk.length, 'unknown-method': 1 });
});

test.serial('the number of a call in flight cannot be used twice', async (t) => {
  const { refused, dealer } = await open(t);
  const socket = dealer();
  await greet(socket);
  for (let n = 0; n < 3; n++) await socket.send(encode({ i: 1, m: 'never', p: {}, d: 0 }));
  await socket.send(encode({ i: 2, m: 'double', p: { n: 1 }, d: 0 }));
  await socket.receive();
  t.is(refused.get('malformed'), 2);
});

test.serial('a message beyond the limit costs its sender the connection, and no memory', async (t) => {
  const { refused, dealer, caller } = await open(t);
  const good = caller('good');
  await good.whenConnected();
  const socket = dealer();
  await greet(socket);
  const before = process.memoryUsage.rss();
  const message = Buffer.alloc(serverMessageBytes + 1);
  const own = message.length;
  await socket.send(message);
  for (let n = 0; n < 100 && !refused.has('reconnect'); n++) await sleep(50);
  t.deepEqual(await good.call('double', { n: 3 }), { n: 6 });
  t.is(refused.get('reconnect'), 1, 'the client comes back after the cut');
  // Its own copies lie in this process, too.
  t.true(process.memoryUsage.rss() - before < 2.5 * own);
});

test.serial('streams are bounded', async (t) => {
  const { refused, caller } = await open(t);
  const evil = caller('evil');
  await evil.whenConnected();
  const streams = Array.from({ length: servedStreams + 10 }, () => evil.stream('never', {}));
  const ends = streams.map((stream) => stream.next().catch((thrown: { error: { code: string } }) => thrown.error.code));
  await evil.call('double', { n: 1 });
  t.is(refused.get('never'), 10);
  for (const stream of streams) void stream.return?.();
  await Promise.all(ends.slice(servedStreams));
});

test.serial('bytes of calls in flight are bounded', async (t) => {
  const { refused, dealer } = await open(t);
  const socket = dealer();
  await greet(socket);
  const parts = 16;
  const p = Buffer.alloc(inFlightBytes / parts);
  for (let i = 1; i <= parts + 2; i++) await socket.send(encode({ i, m: 'take', p, d: 0 }));
  t.like(decode((await socket.receive())[0] as Buffer), { i: parts, e: { code: 'BUS_OVERLOADED' } });
  await socket.receive();
  await socket.receive();
  t.is(refused.get('overload'), 3, 'a little of each call is not its payload');
});

test.serial('a flood of costly calls leaves the loop to others', async (t) => {
  const { refused, caller } = await open(t);
  const [evil, good] = [caller('evil'), caller('good')];
  await Promise.all([evil.whenConnected(), good.whenConnected()]);
  const flood = Array.from({ length: 1_000 }, () => evil.call('spin', { ms: 5 }, { deadlineMs: 30_000 }).catch(() => undefined));
  while (!refused.has('flood')) await sleep(10);
  const began = performance.now();
  let answered = 0;
  while (performance.now() - began < 300) {
    await good.call('double', { n: 1 });
    answered += 1;
  }
  t.true(answered > 20, `${answered} answers beside the flood`);
  void Promise.all(flood);
});

test.serial('a peer that never reads its answers is cut off, named, and takes no more memory than the outbox holds', async (t) => {
  const { refused, dealer } = await open(t);
  const socket = dealer();
  await greet(socket);
  for (let i = 1; i <= 60; i++) await socket.send(encode({ i, m: 'large', p: {}, d: 0 }));
  for (let n = 0; n < 100 && !refused.has('unread'); n++) await sleep(50);
  t.true((refused.get('unread') ?? 0) > 0);
});
