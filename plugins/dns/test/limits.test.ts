import { parseUdpFrame } from '@weft/kernel/contract/net';
import test from 'ava';
import { parseDns } from '../message/codec.ts';
import { counters, frame, query, started } from './asking.ts';
import { network, record, tenants } from './world.ts';

const many = (from: number, name: string, count: number) =>
  Array.from({ length: count }, (_, id) => ({ port: from, frame: frame(query(name, 'A', { id })) }));

test('beyond its rate a port gets every second answer cut short; others get theirs', async (t) => {
  const { running } = await started(t, tenants, { responsesPerSecond: 1, responseBurst: 10 });
  await running.punt('dns', ...many(1, 'web1', 30), ...many(3, 'web1', 5));
  const replies = running.forwarder.injected.map(({ port, frame: sent }) => ({
    port,
    ...parseDns(parseUdpFrame(sent)?.payload ?? Buffer.alloc(0)),
  }));
  const own = replies.filter(({ port }) => port === 1);
  t.is(own.filter(({ truncated }) => !truncated).length, 10);
  t.is(own.filter(({ truncated, answers }) => truncated && answers.length === 0).length, 10);
  t.is(replies.filter(({ port, truncated }) => port === 3 && !truncated).length, 5);
  t.like(await counters(running), {
    queries: 35,
    limited: 20,
    putOff: 10,
    local: 15,
    repeated: 13,
  });
});

test('what is no question takes nothing from upstreams, and is not put off', async (t) => {
  const { running } = await started(t, tenants, { responsesPerSecond: 1, responseBurst: 1 });
  const noise = { port: 1, frame: frame(Buffer.alloc(40, 0xff)) };
  await running.punt('dns', ...Array.from({ length: 20 }, () => noise));
  t.is(running.forwarder.injected.length, 0);
});

const five = ['10.1.0.51', '10.1.0.52', '10.1.0.53', '10.1.0.54', '10.1.0.55'];
const set = record('a', 'red', ['set', 'A', ...five]);

test('the order of records is the setting’s', async (t) => {
  const orders = async (recordOrder: string) => {
    const { ask } = await started(t, [...tenants, set], { recordOrder });
    const told = [];
    for (let count = 0; count < 20; count += 1) told.push((await ask(1, 'set.red.example')).data);
    return told;
  };
  for (const told of await orders('fixed')) t.deepEqual(told, five);
  const turns = await orders('round-robin');
  for (const [index, told] of turns.slice(1).entries()) {
    const [first = '', ...rest] = turns[index] ?? [];
    t.deepEqual(told, [...rest, first]);
  }
  const random = await orders('random');
  t.true(new Set(random.map((told) => told.join())).size > 3);
  for (const told of random) t.deepEqual([...told].sort(), five);
});

test('a network has an order of its own', async (t) => {
  const red = network('a', 'red', 1, 1, { domain: 'red.example', resolver: { recordOrder: 'round-robin' } });
  const { ask } = await started(t, [...tenants.filter((object) => object.metadata.uid !== tenants[0].metadata.uid), red, set]);
  const [first, second] = [(await ask(1, 'set.red.example')).data, (await ask(1, 'set.red.example')).data];
  t.deepEqual(second, [...first.slice(1), first[0]]);
  t.deepEqual((await ask(2, 'set.red.example')).data, five);
});

test('repeats no answer to a network that sees other names', async (t) => {
  const { ask, running } = await started(t);
  for (const [from, address] of [
    [1, '10.1.0.11'],
    [3, '10.1.0.21'],
    [1, '10.1.0.11'],
    [3, '10.1.0.21'],
  ] as const) {
    t.deepEqual((await ask(from, 'web1.red.example', 'A', { id: from * 7 })).data, [address]);
  }
  t.like(await counters(running), { repeated: 2 });
  t.is((await ask(1, 'web1.red.example', 'A', { id: 4711 })).id, 4711);
  await running.put(record('a', 'red', ['web1', 'A', '10.1.0.12']));
  t.deepEqual((await ask(1, 'web1.red.example')).data, ['10.1.0.12', '10.1.0.11']);
});

test('repeats what upstreams said, but not for long and not what has no time to live', async (t) => {
  const { ask, asked } = await started(t);
  for (let count = 0; count < 3; count += 1) t.deepEqual((await ask(1, 'www.example.org', 'A', { id: count })).data, ['192.0.2.80']);
  t.deepEqual((await ask(3, 'www.example.org')).data, ['192.0.2.80']);
  t.deepEqual(asked, ['www.example.org']);
});

test('the case of a question’s letters comes back as it was', async (t) => {
  const { ask } = await started(t);
  for (const name of ['WEB1.red.Example', 'web1.RED.example', 'wEb1.rEd.eXaMpLe']) {
    const reply = await ask(1, name);
    t.deepEqual(reply.questions[0]?.name, name.split('.'));
    t.deepEqual(reply.data, ['10.1.0.11']);
  }
});
