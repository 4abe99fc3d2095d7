import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { parseDns } from '../message/codec.ts';
import { framed } from '../message/frames.ts';
import { answersOf, kind, type NastyQuery, nastyServer, type Script } from '../test/nasty-server.ts';
import { question } from '../test/pretended-upstreams.ts';
import { hostClock } from './clock.ts';
import { acceptReply, makeQuery } from './query.ts';
import { TcpTransport, tcpLimits } from './tcp.ts';

async function world(t: ExecutionContext, script: Script, limits = {}) {
  const server = await nastyServer(t, script);
  const transport = new TcpTransport(hostClock, { ...tcpLimits, ...limits });
  t.teardown(() => transport.close());
  const ask = (name: string, timeoutMs = 5000) => {
    const query = makeQuery(question(name), { dnssecOk: false, checkingDisabled: false }, { edns: true, mixCase: true });
    return transport.exchange(server.upstream, query.bytes, timeoutMs, (bytes) =>
      acceptReply(bytes, query)?.message.questions[0]?.name.join('.'),
    );
  };
  return { ...server, transport, ask };
}

test('asks many questions over one connection, whatever the order of the replies', async (t) => {
  const waiting: NastyQuery[] = [];
  const { ask, connections, heard } = await world(t, (one) => {
    waiting.push(one);
    if (waiting.length === 50) for (const each of waiting.reverse()) each.reply();
  });
  const names = Array.from({ length: 50 }, (_, index) => `n${index}.example`);
  t.deepEqual(
    await Promise.all(names.map((name) => ask(name))),
    names.map((value) => ({ ok: true, value })),
  );
  t.is(connections(), 1);
  t.is(heard.length, 50);
});

test('reads replies that come byte by byte', async (t) => {
  const { ask } = await world(t, async ({ bytes, query, socket }) => {
    const reply = Buffer.from(bytes);
    reply.writeUInt16BE(reply.readUInt16BE(2) | 0x8000, 2);
    t.true(parseDns(reply).response && query.questions.length === 1);
    for (const byte of framed(reply)) {
      socket?.write(Buffer.from([byte]));
      await turn();
    }
  });
  t.true((await ask('a.example')).ok);
});

test('a connection that was closed meanwhile is opened anew', async (t) => {
  const { ask, cut, connections } = await world(t, kind);
  await ask('a.example');
  cut();
  t.true((await ask('b.example')).ok);
  t.is(connections(), 2);
});

test('one that is closed on the second question, too', async (t) => {
  let count = 0;
  const { ask, connections } = await world(t, (one) => {
    count += 1;
    if (count === 2) one.reset();
    else one.reply();
  });
  await ask('a.example');
  t.true((await ask('b.example')).ok);
  t.is(connections(), 2);
});

test('a connection that never served is not tried twice', async (t) => {
  const { ask, connections } = await world(t, (one) => one.reset());
  t.deepEqual(await ask('a.example'), { ok: false, reason: 'ECONNRESET' });
  t.is(connections(), 1);
});

test('gives up in time, and leaves a silent connection', async (t) => {
  let silent = true;
  const { ask, transport } = await world(t, (one) => void (silent || one.reply()));
  t.deepEqual(await ask('a.example', 30), { ok: false, reason: 'timeout' });
  t.is(transport.size, 0);
  silent = false;
  t.true((await ask('a.example')).ok);
});

test('replies that nobody waits for are passed over', async (t) => {
  const { ask } = await world(t, ({ query, reply }) => {
    for (const more of [Buffer.alloc(0), Buffer.alloc(300, 0xff), { id: query.id ^ 1 }, answersOf(query)]) reply(more);
  });
  t.true((await ask('a.example')).ok);
});

test('opens no more connections than it may, and closes idle ones', async (t) => {
  const { ask, transport } = await world(t, () => undefined, { perUpstream: 2, perConnection: 3, idleMs: 20 });
  const waiting = Array.from({ length: 7 }, (_, index) => ask(`n${index}.example`, 200));
  t.deepEqual(await waiting.at(-1), { ok: false, reason: 'too many TCP connections' });
  t.is(transport.size, 2);
  await Promise.all(waiting);
  const idle = await world(t, kind, { idleMs: 20 });
  await idle.ask('a.example');
  t.is(idle.transport.size, 1);
  while (idle.transport.size > 0) await sleep(5);
  t.pass();
});

test('an idle connection gives way to another upstream', async (t) => {
  const one = await world(t, kind, { connections: 1 });
  const other = await nastyServer(t, kind);
  await one.ask('a.example');
  const query = makeQuery(question('b.example'), { dnssecOk: false, checkingDisabled: false }, { edns: true, mixCase: false });
  const result = await one.transport.exchange(other.upstream, query.bytes, 5000, (bytes) => acceptReply(bytes, query));
  t.true(result.ok);
  t.is(one.transport.size, 1);
});
