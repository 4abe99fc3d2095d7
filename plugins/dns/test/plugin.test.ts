import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { buildUdpFrame, gatewayMac, parseUdpFrame, puntFlagVlan } from '@weft/kernel/contract/net';
import { keyOf } from '@weft/kernel/contract/system';
import { startPlugin, TestPlugin } from '@weft/kernel/sdk/testing';
import test, { type ExecutionContext } from 'ava';
import plugin from '../index.ts';
import { buildDns, type DnsMessage, parseDns } from '../message/codec.ts';
import { parseName, reverseName } from '../message/name.ts';
import { network, port, router, tenants } from './world.ts';

const types: Record<string, number> = { A: 1, PTR: 12, AAAA: 28 };

function query(name: string, type = 'A', more: Partial<DnsMessage> = {}): Buffer {
  const bits = { response: false, opcode: 0, authoritative: false, truncated: false, recursionDesired: true, recursionAvailable: false };
  const questions = [{ name: parseName(name) ?? [], type: types[type] ?? 0, class: 1 }];
  return buildDns({
    id: 77,
    ...bits,
    authenticData: false,
    checkingDisabled: false,
    rcode: 0,
    questions,
    answers: [],
    authorities: [],
    additionals: [],
    ...more,
  });
}

function frame(payload: Buffer, gateway = '10.1.0.1', src = '10.1.0.11'): Buffer {
  return buildUdpFrame({
    srcMac: '02:00:00:00:00:01',
    dstMac: gatewayMac,
    src,
    dst: gateway,
    srcPort: 40_000,
    dstPort: 53,
    payload,
  });
}

/** An upstream that answers every name with 192.0.2.80 and remembers what it was asked. */
async function upstream(t: ExecutionContext) {
  const asked: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (bytes, from) => {
    const message = parseDns(bytes);
    asked.push(message.questions[0]?.name.join('.') ?? '');
    const answers = message.questions.map((one) => ({ ...one, ttl: 30, data: Buffer.from([192, 0, 2, 80]) }));
    socket.send(buildDns({ ...message, response: true, answers }), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.teardown(() => socket.close());
  return { asked, setting: `127.0.0.1:${socket.address().port}` };
}

async function started(t: ExecutionContext, objects: readonly Parameters<TestPlugin['put']>[0][] = tenants) {
  const { asked, setting } = await upstream(t);
  const running = await startPlugin(plugin, { objects, config: { upstreams: [setting] } });
  t.teardown(() => running.stop());
  /** The reply to a question from a port; waits for upstreams. */
  const ask = async (from: number, name: string, type = 'A', more: Partial<DnsMessage> = {}): Promise<DnsMessage & { data: string[] }> => {
    const before = running.forwarder.injected.length;
    await running.punt('dns', { port: from, frame: frame(query(name, type, more)) });
    await running.until(() => running.forwarder.injected.length > before);
    const record = running.forwarder.injected.at(-1);
    const datagram = record === undefined ? undefined : parseUdpFrame(record.frame);
    if (datagram === undefined || record?.port !== from) throw new Error('the reply is for another port');
    const message = parseDns(datagram.payload);
    return {
      ...message,
      data: message.answers.map((answer) => (answer.type === 1 ? [...answer.data].join('.') : answer.data.toString('latin1'))),
    };
  };
  return { running, asked, ask };
}

test('a network that goes while the plugin starts is served no more', async (t) => {
  const running = new TestPlugin(plugin as never, { objects: tenants });
  t.teardown(() => running.stop());
  running.forwarder.refuse = () => {
    for (const object of tenants) running.kernel.remove(keyOf(object));
    return null;
  };
  await running.begin();
  t.deepEqual(running.forwarder.rows(), []);
});

test('asks the forwarder for the gateways that serve names, each in its own VRF', async (t) => {
  const bridged = network('d', 'wire', 5, 5);
  const { running } = await started(t, [
    network('a', 'red', 1, 1),
    network('b', 'red', 3, 1),
    network('c', 'own', 4, 4, { dns: ['192.0.2.53'] }),
    { ...bridged, spec: { ...bridged.spec, forwarding: 'l2' } },
  ]);
  const rows = running.forwarder.rows('service').sort((x, y) => x.vrf - y.vrf || x.address.localeCompare(y.address));
  t.deepEqual(
    rows.map(({ vrf, address }) => [vrf, address]),
    [
      [1, '10.1.0.1'],
      [1, '2001:db8:1::1'],
      [3, '10.1.0.1'],
      [3, '2001:db8:1::1'],
    ],
  );
  t.like(rows[0], { protocol: 17, l4Port: 53, action: 0, puntClass: 1 });
  await running.put(network('c', 'own', 4, 4, { dns: ['192.0.2.53', '10.4.0.1', '2001:DB8:4:0::1'] }));
  t.is(running.forwarder.rows('service').length, 6);
});

test('replies from the address that was asked, to the port that asked', async (t) => {
  const { running } = await started(t);
  await running.punt('dns', { port: 1, generation: 9, flags: puntFlagVlan, vlan: 5, frame: frame(query('web1')) });
  const [record] = running.forwarder.injected;
  t.like(record, { port: 1, generation: 9, flags: puntFlagVlan, vlan: 5 });
  const datagram = record === undefined ? undefined : parseUdpFrame(record.frame);
  t.like(datagram, { srcMac: gatewayMac, dstMac: '02:00:00:00:00:01', src: '10.1.0.1', dst: '10.1.0.11', srcPort: 53, dstPort: 40_000 });
  t.is(parseDns(datagram?.payload ?? Buffer.alloc(0)).id, 77);
});

test('answers over IPv6 what it answers over IPv4, and names of IPv6 addresses over both', async (t) => {
  const { running, ask, asked } = await started(t);
  await running.punt('dns', { port: 1, frame: frame(query('web1', 'AAAA'), '2001:db8:1::1', '2001:db8:1::11') });
  const [record] = running.forwarder.injected;
  const datagram = record === undefined ? undefined : parseUdpFrame(record.frame);
  t.like(datagram, { src: '2001:db8:1::1', dst: '2001:db8:1::11', srcPort: 53 });
  t.is(parseDns(datagram?.payload ?? Buffer.alloc(0)).answers[0]?.data.toString('hex'), '20010db8000100000000000000000011');
  t.regex((await ask(1, reverseName('2001:db8:1::11').join('.'), 'PTR')).data[0] ?? '', /web1.red.example/);
  t.regex((await ask(1, reverseName('2001:db8:2::11').join('.'), 'PTR')).data[0] ?? '', /db.blue/);
  t.is((await ask(3, reverseName('2001:db8:1::11').join('.'), 'PTR')).rcode, 3);
  t.is((await ask(1, 'red.example', 'AAAA')).answers.length, 1);
  t.deepEqual(asked, []);
});

test('the same question from two tenants has two answers', async (t) => {
  const { ask, asked } = await started(t);
  for (const name of ['web1', 'web1.red.example']) {
    t.deepEqual((await ask(1, name)).data, ['10.1.0.11']);
    t.deepEqual((await ask(3, name)).data, ['10.1.0.21']);
  }
  t.is((await ask(1, 'secret.red.example')).rcode, 3);
  t.is((await ask(1, reverseName('10.1.0.22').join('.'), 'PTR')).rcode, 3);
  t.is((await ask(4, reverseName('10.1.0.22').join('.'), 'PTR')).rcode, 0);
  t.deepEqual(asked, [], 'no name of a tenant reaches the outside');
});

test('networks behind one router see each other, others do not', async (t) => {
  const { ask, running, asked } = await started(t);
  t.deepEqual((await ask(1, 'db.blue.a.weft.internal')).data, ['10.2.0.11']);
  t.deepEqual((await ask(1, 'db')).data, ['10.2.0.11']);
  t.deepEqual((await ask(2, 'web1.red.example')).data, ['10.1.0.11']);
  t.is((await ask(3, 'db.blue.a.weft.internal')).rcode, 3);
  await running.remove({ kind: 'LogicalRouter', project: 'a', name: 'r' });
  t.is((await ask(1, 'db.blue.a.weft.internal')).rcode, 3);
  t.deepEqual(asked, []);
});

test('a router named alike in another project joins nothing', async (t) => {
  const { ask } = await started(t, [...tenants.filter((object) => object.kind !== 'LogicalRouter'), router('b', 'r', ['red'])]);
  t.is((await ask(1, 'db.blue.a.weft.internal')).rcode, 3);
});

test('follows ports as they come, change and go', async (t) => {
  const { ask, running } = await started(t);
  t.is((await ask(1, 'new.red.example')).rcode, 3);
  const made = await running.put(port('a', 'red', 'new', 5, '10.1.0.15'));
  t.deepEqual((await ask(1, 'new.red.example')).data, ['10.1.0.15']);
  await running.put({ ...made, spec: { ...made.spec, hostname: 'renamed' } });
  t.is((await ask(1, 'new.red.example')).rcode, 3);
  t.deepEqual((await ask(5, 'renamed')).data, ['10.1.0.15']);
  await running.remove({ kind: 'Port', project: 'a', name: 'red-new' });
  t.is((await ask(1, 'renamed.red.example')).rcode, 3);
});

test('a port on a shared network of another project is part of it', async (t) => {
  const { ask } = await started(t, [...tenants, port('b', 'a/red', 'guest', 6, '10.1.0.16')]);
  t.deepEqual((await ask(1, 'guest.red.example')).data, ['10.1.0.16']);
  t.deepEqual((await ask(6, 'web1')).data, ['10.1.0.11']);
});

test('asks upstreams for all other names, once for all', async (t) => {
  const { ask, asked } = await started(t);
  const first = await ask(1, 'www.example.org');
  t.like(first, { id: 77, rcode: 0, authoritative: false, recursionAvailable: true });
  t.deepEqual(first.data, ['192.0.2.80']);
  t.deepEqual((await ask(3, 'www.example.org')).data, ['192.0.2.80']);
  t.deepEqual(asked, ['www.example.org']);
});

test('without recursion only own names are told', async (t) => {
  const { ask, asked } = await started(t);
  await ask(3, 'www.example.org');
  t.is((await ask(1, 'www.example.org', 'A', { recursionDesired: false })).rcode, 5);
  t.is((await ask(1, 'web1', 'A', { recursionDesired: false })).rcode, 0);
  t.is(asked.length, 1);
});

test('answers a batch and survives garbage in it', async (t) => {
  const { running } = await started(t);
  const good = { port: 1, frame: frame(query('web1')) };
  await running.punt(
    'dns',
    good,
    { port: 1, frame: Buffer.alloc(60) },
    { port: 99, frame: good.frame },
    { port: 1, frame: frame(Buffer.alloc(12, 0xff)) },
    good,
  );
  t.is(running.forwarder.injected.length, 2);
  const { items } = (await running.operation('counters')) as { items: { name: string; count: number }[] };
  t.like(Object.fromEntries(items.map((item) => [item.name, item.count])), { queries: 4, dropped: 3, local: 2, upstream: 0 });
  t.true((await running.metrics()).includes('weft_dns_events_total{event="dropped"} 3\n'));
});

test('serves local names while the kernel is away', async (t) => {
  const { ask, running } = await started(t);
  running.kernelAway();
  t.deepEqual((await ask(1, 'web1')).data, ['10.1.0.11']);
  await running.kernelBack();
});

test('refuses an upstream that is none, and says which', async (t) => {
  const error = await t.throwsAsync(startPlugin(plugin, { config: { upstreams: ['192.0.2.1', '192.0.2.256'] } }));
  t.regex(error.message, /\/upstreams\/1 .*192\.0\.2\.256/);
});
