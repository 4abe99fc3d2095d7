import { once } from 'node:events';
import test from 'ava';
import { framed } from '../message/frames.ts';
import { counters, dataText, dial, query, started } from './asking.ts';
import { record, tenants } from './world.ts';

const ids = (messages: readonly { id: number }[]) => messages.map(({ id }) => id);

test('tells each tenant its own names, whatever address was asked', async (t) => {
  const { running } = await started(t);
  for (const [from, address] of [
    [1, '10.1.0.11'],
    [3, '10.1.0.21'],
  ] as const) {
    for (const gateway of ['10.1.0.1', '2001:db8:1::1']) {
      const line = await dial(running, from, gateway);
      line.send(query('web1.red.example'));
      const [reply] = await line.hear(1);
      t.deepEqual(reply?.answers.map(dataText), [address]);
      line.socket.destroy();
    }
  }
});

test('reads one byte per segment', async (t) => {
  const { running } = await started(t);
  const line = await dial(running, 1);
  for (const byte of Buffer.concat([framed(query('web1')), framed(query('db', 'A', { id: 78 }))])) {
    line.socket.write(Buffer.from([byte]));
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.deepEqual(ids(await line.hear(2)), [77, 78]);
});

test('answers 100 questions in one segment', async (t) => {
  const { running } = await started(t);
  const line = await dial(running, 1);
  line.send(...Array.from({ length: 100 }, (_, id) => query('web1', 'A', { id })));
  const heard = await line.hear(100);
  t.deepEqual(
    ids(heard),
    Array.from({ length: 100 }, (_, id) => id),
  );
  t.true(heard.every(({ rcode, answers }) => rcode === 0 && answers.length === 1));
});

test('what is ready leaves before what upstreams must be asked (RFC 7766 §7)', async (t) => {
  const { running } = await started(t);
  const line = await dial(running, 1);
  line.send(query('www.example.org', 'A', { id: 1 }), query('web1', 'A', { id: 2 }));
  t.deepEqual(ids(await line.hear(2)), [2, 1]);
});

test('who has asked all may close its half and still hears the answers', async (t) => {
  const { running } = await started(t);
  const line = await dial(running, 1);
  const ended = once(line.socket, 'end');
  line.send(query('www.example.org', 'A', { id: 1 }), query('web1', 'A', { id: 2 }));
  line.socket.end();
  await ended;
  t.deepEqual(ids(line.heard).sort(), [1, 2]);
});

test('100 questions and the end in one go are all answered', async (t) => {
  const { running } = await started(t);
  const line = await dial(running, 1);
  const ended = once(line.socket, 'end');
  line.send(...Array.from({ length: 100 }, (_, id) => query('web1', 'A', { id })));
  line.socket.end();
  await ended;
  t.is(line.heard.length, 100);
});

test('an answer too long for UDP comes whole', async (t) => {
  const { running, ask } = await started(t, [
    ...tenants,
    record('a', 'red', ['big', 'TXT', ...Array.from({ length: 14 }, (_, index) => `${index}`.padEnd(4000, 'x'))]),
  ]);
  const overUdp = await ask(1, 'big.red.example', 'TXT');
  t.true(overUdp.truncated);
  t.is(overUdp.answers.length, 0);
  const line = await dial(running, 1);
  line.send(query('big.red.example', 'TXT'));
  const [reply] = await line.hear(1);
  t.false(reply?.truncated);
  t.is(reply?.answers.length, 14);
});

test('answers what it cannot read, and closes on what is no question', async (t) => {
  const { running } = await started(t);
  const line = await dial(running, 1);
  line.send(Buffer.concat([query('web1'), Buffer.alloc(1)]), Buffer.concat([query('web1', 'A', { id: 9 }), Buffer.alloc(8000)]));
  const heard = await line.hear(2);
  t.deepEqual(
    heard.map(({ id, rcode }) => [id, rcode]),
    [
      [77, 1],
      [9, 1],
    ],
  );
  line.send(query('web1', 'A', { id: 10 }));
  t.is((await line.hear(3))[2]?.rcode, 0);
  for (const noise of [framed(Buffer.alloc(11)), framed(Buffer.alloc(0)), framed(query('web1', 'A', { response: true }))]) {
    const other = await dial(running, 1);
    other.socket.write(noise);
    await running.until(other.isLost);
    t.is(other.heard.length, 0);
  }
});

test('an idle connection ends, however slowly it sends', async (t) => {
  const { running } = await started(t, tenants, { tcpIdleSeconds: 1 });
  const [silent, slow] = [await dial(running, 1), await dial(running, 1)];
  const drip = setInterval(() => slow.socket.write(Buffer.from([0])), 100);
  t.teardown(() => clearInterval(drip));
  await running.until(() => silent.isLost() && slow.isLost());
  t.pass();
});

test('a port has so many connections and no more', async (t) => {
  const { running } = await started(t, tenants, { tcpConnectionsPerPort: 3 });
  const lines: Awaited<ReturnType<typeof dial>>[] = [];
  for (let count = 0; count < 4; count += 1) lines.push(await dial(running, 1));
  await running.until(() => lines[3]?.isLost() === true);
  for (const line of lines.slice(0, 3)) line.send(query('web1'));
  for (const line of lines.slice(0, 3)) t.is((await line.hear(1)).length, 1);
  const other = await dial(running, 3);
  other.send(query('web1'));
  t.is((await other.hear(1)).length, 1);
  lines[0]?.socket.destroy();
  await running.until(() => lines[0]?.isLost() === true);
  await running.settle();
  const again = await dial(running, 1);
  again.send(query('web1'));
  t.is((await again.hear(1)).length, 1);
});

test('a port that holds all places gives one to a port that has none', async (t) => {
  const { running } = await started(t, tenants, { tcpConnections: 4, tcpConnectionsPerPort: 4 });
  const greedy: Awaited<ReturnType<typeof dial>>[] = [];
  for (let count = 0; count < 4; count += 1) greedy.push(await dial(running, 3));
  const line = await dial(running, 1);
  line.send(query('web1'));
  t.deepEqual((await line.hear(1))[0]?.answers.map(dataText), ['10.1.0.11']);
  await running.until(() => greedy[0]?.isLost() === true);
  t.like(await counters(running), {
    tcpDisplaced: 1,
    tcpRefused: 0,
    tcpConnections: 5,
    tcpQueries: 1,
  });
});

test('a port that goes loses its connections', async (t) => {
  const { running } = await started(t);
  const line = await dial(running, 1);
  line.send(query('web1'));
  await line.hear(1);
  await running.remove({ kind: 'Port', project: 'a', name: 'red-web1' });
  line.send(query('web1'));
  await running.until(line.isLost);
  t.is(line.heard.length, 1);
});

test('60 addresses are too many for UDP without EDNS', async (t) => {
  const addresses = Array.from({ length: 60 }, (_, index) => `10.1.0.${index + 30}`);
  const { running, ask } = await started(t, [...tenants, record('a', 'red', ['many', 'A', ...addresses])]);
  const edns = { size: 1232, version: 0, dnssecOk: false, options: Buffer.alloc(0) };
  t.true((await ask(1, 'many.red.example')).truncated);
  t.deepEqual((await ask(1, 'many.red.example', 'A', { edns })).data, addresses);
  const line = await dial(running, 1);
  line.send(query('many.red.example'));
  t.deepEqual((await line.hear(1))[0]?.answers.map(dataText), addresses);
});
