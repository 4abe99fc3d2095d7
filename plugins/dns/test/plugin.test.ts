import { gatewayMac, parseUdpFrame, puntFlagVlan, serviceActions } from '@weft/kernel/contract/net';
import { keyOf } from '@weft/kernel/contract/system';
import { startPlugin, TestPlugin } from '@weft/kernel/sdk/testing';
import test from 'ava';
import plugin from '../index.ts';
import { parseDns } from '../message/codec.ts';
import { reverseName } from '../message/name.ts';
import { counters, frame, query, started } from './asking.ts';
import { network, port, router, tenants } from './world.ts';

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
  const all = running.forwarder.rows('service').sort((x, y) => x.vrf - y.vrf || x.address.localeCompare(y.address));
  const rows = all.filter((row) => row.protocol === 17);
  const overTcp = all.filter((row) => row.protocol === 6);
  t.deepEqual(
    rows.map(({ vrf, address }) => [vrf, address]),
    [
      [1, '10.1.0.1'],
      [1, '2001:db8:1::1'],
      [3, '10.1.0.1'],
      [3, '2001:db8:1::1'],
    ],
  );
  t.like(rows[0], { l4Port: 53, action: serviceActions.punt, puntClass: 1 });
  t.deepEqual(
    overTcp,
    rows.map((row) => ({ ...row, protocol: 6, action: serviceActions.port, puntClass: 0 })),
  );
  await running.put(network('c', 'own', 4, 4, { dns: ['192.0.2.53', '10.4.0.1', '2001:DB8:4:0::1'] }));
  t.is(running.forwarder.rows('service').length, 12);
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
  t.deepEqual(
    asked.map((name) => name.toLowerCase()),
    ['www.example.org'],
  );
});

test('without recursion only own names are told', async (t) => {
  const { ask, asked, running } = await started(t);
  await ask(3, 'www.example.org');
  t.is((await ask(1, 'www.example.org', 'A', { recursionDesired: false })).rcode, 5);
  t.is((await ask(1, 'web1', 'A', { recursionDesired: false })).rcode, 0);
  t.is(asked.length, 1);
  t.like(await counters(running), { local: 1, upstream: 1, refused: 1 });
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
  t.like(await counters(running), { queries: 4, dropped: 3, local: 2, upstream: 0 });
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
