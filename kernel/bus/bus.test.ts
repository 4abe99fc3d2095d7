import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import anyTest, { type TestFn } from 'ava';
import type { KeyPair } from '../contract/system/handoff.ts';
import type { Stream, Unary } from '../contract/system/wire.ts';
import { type BusClient, BusServer, type Caller, connect, connectRaw, newKeyPair } from './index.ts';

interface Served {
  readonly double: Unary<{ n: number }, { n: number }>;
  readonly never: Unary<Record<string, never>, Record<string, never>>;
  readonly count: Stream<{ to: number }, number>;
}
interface Nothing {
  readonly echo: Unary<string, string>;
}

const test = anyTest as TestFn<{ dir: string; path: string; keys: KeyPair; close: (() => unknown)[] }>;

test.beforeEach(async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'weft-bus-'));
  t.context = { dir, path: join(dir, 'plug.sock'), keys: newKeyPair(), close: [] };
});
test.afterEach.always(async (t) => {
  for (const close of t.context.close.reverse()) await close();
  await rm(t.context.dir, { recursive: true });
});

type Context = { dir: string; path: string; keys: KeyPair; close: (() => unknown)[] };

async function serve(context: Context, clientKey: string): Promise<{ server: BusServer; caller: Caller<Nothing> }> {
  const server = await BusServer.open(context.keys);
  context.close.push(() => server.close());
  await server.setKey('plug', clientKey);
  const caller = await server.channel<Served, Nothing>({
    client: 'plug',
    path: context.path,
    handlers: {
      double: ({ n }) => ({ n: 2 * n }),
      never: () => new Promise(() => undefined),
      async *count({ to }) {
        for (let n = 0; n < to; n++) yield n;
      },
    },
  });
  return { server, caller };
}

function connectTo(context: Context, keys: KeyPair, onConnect?: () => void): BusClient<Served> {
  const client = connect<Nothing, Served>({
    path: context.path,
    keys,
    serverKey: context.keys.publicKey,
    peer: 'server',
    handlers: { echo: (text) => text },
    ...(onConnect === undefined ? {} : { onConnect }),
  });
  context.close.push(() => client.close());
  return client;
}

test('both ends call each other over one socket', async (t) => {
  const keys = newKeyPair();
  const { caller: toClient } = await serve(t.context, keys.publicKey);
  const { caller } = connectTo(t.context, keys);
  await caller.whenConnected();
  t.deepEqual(await caller.call('double', { n: 21 }), { n: 42 });
  await toClient.whenConnected();
  t.is(await toClient.call('echo', 'hello'), 'hello');
  const seen: number[] = [];
  for await (const n of caller.stream('count', { to: 500 })) seen.push(n);
  t.is(seen.length, 500);
});

test('a client with another key is never heard, and the right one gets in beside it', async (t) => {
  const keys = newKeyPair();
  await serve(t.context, keys.publicKey);
  const intruder = connectTo(t.context, newKeyPair());
  const { caller } = connectTo(t.context, keys);
  await caller.whenConnected();
  await sleep(300);
  t.false(intruder.caller.connected);
  t.deepEqual(await caller.call('double', { n: 1 }), { n: 2 });
});

test('a client whose key is announced late gets in', async (t) => {
  const keys = newKeyPair();
  const { server } = await serve(t.context, newKeyPair().publicKey);
  const { caller } = connectTo(t.context, keys);
  await sleep(200);
  t.false(caller.connected);
  await server.setKey('plug', keys.publicKey);
  await caller.whenConnected();
  t.deepEqual(await caller.call('double', { n: 4 }), { n: 8 });
});

test('clients whose keys are announced at any moment of their handshakes all get in soon', async (t) => {
  t.timeout(15_000, 'libzmq by itself gives a hanging handshake up after 30 s');
  const server = await BusServer.open(t.context.keys);
  t.context.close.push(() => server.close());
  const clients = Array.from({ length: 24 }, (_, index) => ({ name: `plug${index}`, keys: newKeyPair(), keyAfterMs: 20 * index }));
  await Promise.all(
    clients.map(async ({ name, keys, keyAfterMs }) => {
      const path = join(t.context.dir, `${name}.sock`);
      await server.channel<Nothing, Nothing>({ client: name, path, handlers: { echo: (text) => text } });
      const { caller } = connectTo({ ...t.context, path }, keys);
      await sleep(keyAfterMs);
      await server.setKey(name, keys.publicKey);
      await caller.whenConnected();
    }),
  );
  t.pass();
});

test('a new key shuts the holder of the old one out at once', async (t) => {
  const old = newKeyPair();
  const keys = newKeyPair();
  const { server } = await serve(t.context, old.publicKey);
  const former = connectTo(t.context, old).caller;
  await former.whenConnected();
  const pending = t.throwsAsync(former.call('never', {}), { message: /server went away/ });
  await server.setKey('plug', keys.publicKey);
  const { caller } = connectTo(t.context, keys);
  await caller.whenConnected();
  await pending;
  t.false(former.connected);
});

test('a removed client finds no socket', async (t) => {
  const keys = newKeyPair();
  const { server } = await serve(t.context, keys.publicKey);
  const { caller } = connectTo(t.context, keys);
  await caller.whenConnected();
  const gone = t.throwsAsync(caller.call('never', {}), { message: /went away/ });
  await server.remove('plug');
  await gone;
});

test('a restarted server fails what was pending and is reconnected to', async (t) => {
  const keys = newKeyPair();
  const first = await serve(t.context, keys.publicKey);
  let connections = 0;
  const { caller } = connectTo(t.context, keys, () => {
    connections += 1;
  });
  await caller.whenConnected();
  const pending = t.throwsAsync(caller.call('never', {}), { message: /server went away/ });
  await first.server.close();
  await pending;
  await t.throwsAsync(caller.call('double', { n: 1 }), { message: /server is not connected/ });
  await serve(t.context, keys.publicKey);
  await caller.whenConnected();
  t.is(connections, 2);
  t.deepEqual(await caller.call('double', { n: 3 }), { n: 6 });
});

test('a restarted client is a new peer: calls to the old one fail', async (t) => {
  const keys = newKeyPair();
  const { caller } = await serve(t.context, keys.publicKey);
  const first = connectTo(t.context, keys);
  await caller.whenConnected();
  first.close();
  const second = connectTo(t.context, keys);
  await second.caller.whenConnected();
  t.deepEqual(await second.caller.call('double', { n: 5 }), { n: 10 });
  t.is(await caller.call('echo', 'new'), 'new');
});

test('a stopped process is given up after the silence, and serves again when it continues', async (t) => {
  const keys = newKeyPair();
  const child = fork(new URL('./test-server.ts', import.meta.url).pathname, [
    t.context.path,
    JSON.stringify(t.context.keys),
    keys.publicKey,
  ]);
  t.context.close.push(() => child.kill('SIGKILL'));
  await once(child, 'message');
  const client = connect<Nothing, Served>({
    path: t.context.path,
    keys,
    serverKey: t.context.keys.publicKey,
    peer: 'server',
    handlers: { echo: (text) => text },
    silenceMs: 400,
  });
  t.context.close.push(() => client.close());
  await client.caller.whenConnected();
  child.kill('SIGSTOP');
  await t.throwsAsync(client.caller.call('double', { n: 1 }), { message: /went away/ });
  child.kill('SIGCONT');
  await client.caller.whenConnected();
  t.deepEqual(await client.caller.call('double', { n: 7 }), { n: 14 });
});

test('raw frames pass both ways, and without a peer they are dropped and counted', async (t) => {
  const keys = newKeyPair();
  const server = await BusServer.open(t.context.keys);
  t.context.close.push(() => server.close());
  await server.setKey('plug', keys.publicKey);
  const path = join(t.context.dir, 'plug.punt');
  const up: string[] = [];
  const raw = await server.raw({ client: 'plug', path, onFrame: (frame) => up.push(frame.toString()) });
  raw.send(Buffer.from('nobody'));
  const down: string[] = [];
  const client = connectRaw({ path, keys, serverKey: t.context.keys.publicKey }, (frame) => down.push(frame.toString()));
  t.context.close.push(() => client.close());
  while (up.length === 0) {
    client.send(Buffer.from('up'));
    await sleep(20);
  }
  raw.send(Buffer.from('down'));
  while (down.length === 0) await sleep(5);
  t.is(up[0], 'up');
  t.deepEqual(down, ['down']);
  t.is(raw.drops, 1);
});

test('a socket path that Linux cannot hold is refused with its length', (t) => {
  const path = `/tmp/${'x'.repeat(120)}`;
  t.throws(() => connectRaw({ path, keys: newKeyPair(), serverKey: t.context.keys.publicKey }, () => undefined), {
    message: /125 bytes, the limit is 107/,
  });
});

test('a client that closes in the very moment in which its socket is made anew harms nobody', async (t) => {
  const pairs = Array.from({ length: 100 }, newKeyPair);
  const { server } = await serve(t.context, newKeyPair().publicKey);
  for (const [index, keys] of pairs.slice(1).entries()) {
    await server.setKey('plug', keys.publicKey);
    const client = connectTo(t.context, keys);
    await client.caller.whenConnected();
    await client.caller.call('double', { n: 1 });
    client.close();
    await server.setKey('plug', pairs[index]?.publicKey ?? '');
  }
  t.pass();
});
