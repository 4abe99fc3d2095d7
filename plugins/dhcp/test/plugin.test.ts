import { buildUdpFrame, gatewayMac, parseUdpFrame, puntFlagVlan } from '@weft/kernel/contract/net';
import { keyOf } from '@weft/kernel/contract/system';
import { startPlugin, TestPlugin } from '@weft/kernel/sdk/testing';
import test, { type ExecutionContext } from 'ava';
import plugin from '../index.ts';
import type { LeaseItem } from '../ledger.ts';
import { buildDhcp, type DhcpMessage, parseDhcp } from '../v4/codec.ts';
import { messageTypes, optionCodes } from '../v4/option.ts';
import { type Asked, clientMac, clientMessage } from './client.ts';
import { network, port } from './world.ts';

const blueMac = '02:00:00:00:00:02';
const red = [network('tenant-a', 7), port('tenant-a', 1, clientMac)];
const blue = [network('tenant-b', 8), port('tenant-b', 2, blueMac)];

async function started(
  t: ExecutionContext,
  objects: readonly Parameters<TestPlugin['put']>[0][] = [...red, ...blue],
  config = {},
): Promise<TestPlugin> {
  const running = await startPlugin(plugin, { objects, config });
  t.teardown(() => running.stop());
  return running;
}

function frame(asked: Asked, fields: Partial<DhcpMessage> = {}, vlan?: number): Buffer {
  const payload = buildDhcp(clientMessage(asked, fields), 548).bytes;
  const tag = vlan === undefined ? {} : { vlan };
  return buildUdpFrame({
    srcMac: clientMac,
    dstMac: 'ff:ff:ff:ff:ff:ff',
    src: '0.0.0.0',
    dst: '255.255.255.255',
    srcPort: 68,
    dstPort: 67,
    payload,
    ...tag,
  });
}

/** The last injected frame, taken apart. */
function reply(running: TestPlugin) {
  const record = running.forwarder.injected.at(-1);
  const datagram = record === undefined ? undefined : parseUdpFrame(record.frame);
  const parsed = datagram === undefined ? undefined : parseDhcp(datagram.payload);
  if (record === undefined || datagram === undefined || parsed?.ok !== true) throw new Error('no DHCP reply was injected');
  return { record, datagram, message: parsed.message };
}

const counter = async (running: TestPlugin, name: string): Promise<number> => {
  const { items } = (await running.operation('counters')) as { items: { protocol: string; name: string; count: number }[] };
  const count = items.find((item) => item.protocol === 'dhcpv4' && item.name === name)?.count ?? 0;
  const told = (await running.metrics()).includes(`weft_dhcp_messages_total{protocol="dhcpv4",outcome="${name}"} ${count}\n`);
  if (count > 0 && !told) throw new Error(`the metrics say another count of ${name}`);
  return count;
};
const leases = async (running: TestPlugin, project: string) =>
  ((await running.operation('leases', {}, project)) as { items: LeaseItem[] }).items;

test('a network that goes while the plugin starts is served no more', async (t) => {
  const running = new TestPlugin(plugin as never, { objects: red });
  t.teardown(() => running.stop());
  running.forwarder.refuse = () => {
    for (const object of red) running.kernel.remove(keyOf(object));
    return null;
  };
  await running.begin();
  t.deepEqual(running.forwarder.rows(), []);
});

test('asks the forwarder for port 67 of every served network', async (t) => {
  const running = await started(t, [...red, ...blue, { ...network('tenant-c', 9, false) }]);
  const row = { table: 'service', protocol: 17, l4Port: 67, address: '0.0.0.0', action: 0, puntClass: 1 };
  const vrfs = running.forwarder.rows('service').sort((a, b) => a.vrf - b.vrf);
  t.deepEqual(
    vrfs.map((found) => found.vrf),
    [7, 8],
  );
  t.like(vrfs[0], row);
  await running.put({ ...network('tenant-c', 9) });
  t.is(running.forwarder.rows('service').length, 3);
  await running.remove({ kind: 'VirtualNetwork', project: 'tenant-c', name: 'red' });
  t.is(running.forwarder.rows('service').length, 2);
});

test('offers the port its own address, out of the port that asked', async (t) => {
  const running = await started(t);
  await running.punt('dhcp', { port: 1, generation: 5, frame: frame({ type: messageTypes.discover }) });
  const { record, datagram, message } = reply(running);
  t.like(record, { port: 1, generation: 5, flags: 0 });
  t.like(datagram, { srcMac: gatewayMac, dstMac: clientMac, src: '10.1.0.1', dst: '10.1.0.11', srcPort: 67, dstPort: 68 });
  t.is(message.yiaddr, '10.1.0.11');
  t.is(message.options.get(optionCodes.domainName)?.toString(), 'red.tenant-a.weft.internal');
});

test('tells tenants with the same subnet apart by the port alone', async (t) => {
  const running = await started(t);
  const asked = frame({ type: messageTypes.discover }, { chaddr: Buffer.from('02000000000200000000000000000000', 'hex') });
  await running.punt('dhcp', { port: 2, frame: asked });
  t.is(reply(running).message.yiaddr, '10.1.0.12');
  t.is(reply(running).message.options.get(optionCodes.hostName)?.toString(), 'tenant-b-vm');
  await running.punt('dhcp', { port: 1, frame: asked });
  t.is(running.forwarder.injected.length, 1, 'the hardware address of another port gets nothing');
  t.is(await counter(running, 'wrong-hardware-address'), 1);
});

test('hands back the VLAN tag of the punt header, or of the frame', async (t) => {
  const running = await started(t);
  await running.punt('dhcp', { port: 1, flags: puntFlagVlan, vlan: 101, frame: frame({ type: messageTypes.discover }) });
  t.like(reply(running).record, { flags: puntFlagVlan, vlan: 101 });
  t.is(reply(running).datagram.vlan, undefined);
  await running.punt('dhcp', { port: 1, frame: frame({ type: messageTypes.discover }, {}, 102) });
  t.is(reply(running).datagram.vlan, 102);
});

test('answers a batch in one go and survives garbage in it', async (t) => {
  const running = await started(t);
  const good = { port: 1, frame: frame({ type: messageTypes.discover }) };
  await running.punt('dhcp', good, { port: 1, frame: Buffer.alloc(60) }, { port: 99, frame: good.frame }, good);
  t.is(running.forwarder.injected.length, 2);
  t.is(await counter(running, 'malformed'), 1);
  t.is(await counter(running, 'unknown-port'), 1);
  t.is(await counter(running, 'offer'), 2);
});

test('is silent where DHCP is off, and serves once it is on', async (t) => {
  const running = await started(t, [network('tenant-a', 7, false), port('tenant-a', 1, clientMac)]);
  await running.punt('dhcp', { port: 1, frame: frame({ type: messageTypes.discover }) });
  t.is(running.forwarder.injected.length, 0);
  t.is(await counter(running, 'not-configured'), 1);
  await running.put(network('tenant-a', 7));
  await running.punt('dhcp', { port: 1, frame: frame({ type: messageTypes.discover }) });
  t.is(running.forwarder.injected.length, 1);
});

test('in a network of both families DHCPv4 is served whatever the order of subnets, and not over IPv6', async (t) => {
  const base = network('tenant-a', 7);
  const own = port('tenant-a', 1, clientMac);
  const dual = {
    ...base,
    spec: { ...base.spec, subnets: [{ cidr: '2001:db8:1::/64', dhcp: true, slaac: true }, ...base.spec.subnets] },
    status: { ...base.status, gateways: ['2001:db8:1::1', '10.1.0.1'] },
  };
  const running = await started(t, [dual, { ...own, status: { ...own.status, addresses: ['2001:db8:1::11', '10.1.0.11'] } }]);
  t.deepEqual(
    running.forwarder.rows('service').filter(({ l4Port }) => l4Port === 67).map(({ address }) => address), // biome-ignore format: one line
    ['0.0.0.0'],
  );
  await running.punt('dhcp', { port: 1, frame: frame({ type: messageTypes.discover }) });
  const { message, datagram } = reply(running);
  t.like(message, { yiaddr: '10.1.0.11' });
  t.is(message.options.get(optionCodes.router)?.toString('hex'), '0a010001');
  t.is(message.options.get(optionCodes.domainNameServer)?.toString('hex'), '0a010001');
  t.is(datagram.src, '10.1.0.1');
  const over6 = buildUdpFrame({ ...datagram, src: 'fe80::1', dst: 'ff02::1', dstPort: 67 });
  await running.punt('dhcp', { port: 1, frame: over6 });
  t.is(running.forwarder.injected.length, 1);
  t.is(await counter(running, 'malformed'), 1);
});

test('a network that only bridges has no router, unless it names one of its own', async (t) => {
  const base = network('tenant-a', 7);
  const bridged = (gateway?: string) => ({
    ...base,
    spec: {
      forwarding: 'l2' as const,
      subnets: [{ cidr: '10.1.0.0/24', dhcp: true, ...(gateway === undefined ? {} : { gateway }) }],
    },
    status: { ...base.status, gateways: [gateway ?? '10.1.0.1'] },
  });
  const running = await started(t, [bridged(), port('tenant-a', 1, clientMac)]);
  await running.punt('dhcp', { port: 1, frame: frame({ type: messageTypes.discover }) });
  const codes = [optionCodes.router, optionCodes.domainNameServer];
  t.deepEqual(codes.map((code) => reply(running).message.options.get(code)), [undefined, undefined]); // biome-ignore format: one line
  await running.put(bridged('10.1.0.254'));
  await running.punt('dhcp', { port: 1, frame: frame({ type: messageTypes.discover }) });
  t.is(reply(running).message.options.get(optionCodes.router)?.toString('hex'), '0a0100fe');
});

test('shows what was said to the clients of a project', async (t) => {
  const running = await started(t, undefined, { leaseSeconds: 600 });
  t.deepEqual(await leases(running, 'tenant-a'), []);
  const options: [number, Buffer][] = [[optionCodes.vendorClass, Buffer.from('udhcp 1.35')]];
  await running.punt('dhcp', { port: 1, frame: frame({ type: messageTypes.request, requested: '10.1.0.11', options }) });
  const [lease] = await leases(running, 'tenant-a');
  t.like(lease, { project: 'tenant-a', port: 'web1', network: 'red', mac: clientMac, address: '10.1.0.11', hostname: 'tenant-a-vm' });
  t.like(lease, { state: 'acknowledged', reason: '', client: 'udhcp 1.35' });
  t.is(Date.parse(lease?.expiresAt ?? '') - Date.parse(lease?.at ?? ''), 600_000);
  t.deepEqual(await leases(running, 'tenant-b'), []);
});

test('shows why a client was refused or not answered', async (t) => {
  const running = await started(t);
  await running.punt('dhcp', { port: 1, frame: frame({ type: messageTypes.request, requested: '192.168.1.2' }) });
  t.like((await leases(running, 'tenant-a'))[0], { state: 'refused', reason: '192.168.1.2 is not the address of this port' });
  await running.punt('dhcp', { port: 1, frame: frame({ type: messageTypes.request, server: '10.1.0.2', requested: '10.1.0.11' }) });
  t.like((await leases(running, 'tenant-a'))[0], { state: 'refused', reason: 'client chose server 10.1.0.2' });
  await running.punt('dhcp', { port: 1, frame: frame({ type: messageTypes.decline, requested: '10.1.0.11' }) });
  t.like((await leases(running, 'tenant-a'))[0], { state: 'declined', reason: 'client found 10.1.0.11 in use' });
});

test('shows messages that go unanswered, also of ports that never got an answer', async (t) => {
  const running = await started(t, [network('tenant-a', 7, false), port('tenant-a', 1, clientMac)]);
  await running.punt('dhcp', { port: 1, frame: frame({ type: messageTypes.discover }) });
  const [unserved] = await leases(running, 'tenant-a');
  t.like(unserved, { family: 4, address: '', state: 'refused', reason: 'DHCP is off in subnet 10.1.0.0/24', messages: 1, ignored: 1 });
  await running.punt('dhcp', { port: 1, frame: frame({}).subarray(0, 60) });
  t.regex((await leases(running, 'tenant-a'))[0]?.reason ?? '', /no whole UDP datagram/);
  await running.put(network('tenant-a', 7));
  await running.punt('dhcp', { port: 1, frame: frame({ type: messageTypes.discover }) });
  const [served] = await leases(running, 'tenant-a');
  t.like(served, { address: '10.1.0.11', state: 'offered', reason: '', messages: 3, ignored: 2, rate: 0.3 });
  t.regex(served?.ignoredReason ?? '', /no whole UDP datagram/);
});

test('a port that is deleted or made anew has no past; a new number is followed', async (t) => {
  const running = await started(t);
  const discover = frame({ type: messageTypes.discover });
  await running.punt('dhcp', { port: 1, frame: discover });
  await running.put(port('tenant-a', 3, clientMac));
  t.deepEqual(await leases(running, 'tenant-a'), []);
  await running.punt('dhcp', { port: 1, frame: discover });
  t.is(running.forwarder.injected.length, 1);
  await running.punt('dhcp', { port: 3, frame: discover });
  t.is(reply(running).message.yiaddr, '10.1.0.13');
  await running.remove(keyOf(port('tenant-a', 3, clientMac)));
  await running.punt('dhcp', { port: 3, frame: discover });
  t.is(running.forwarder.injected.length, 2);
});

test('a number taken over by another port is the new one’s', async (t) => {
  const running = await started(t);
  running.kernel.put({ ...port('tenant-b', 1, clientMac) });
  running.kernel.remove({ kind: 'Port', project: 'tenant-a', name: 'web1' });
  await running.settle();
  await running.punt('dhcp', { port: 1, frame: frame({ type: messageTypes.discover }) });
  t.is(reply(running).message.options.get(optionCodes.hostName)?.toString(), 'tenant-b-vm');
});

test('keeps serving while the kernel is away', async (t) => {
  const running = await started(t);
  running.kernelAway();
  await running.punt('dhcp', { port: 1, frame: frame({ type: messageTypes.discover }) });
  t.is(running.forwarder.injected.length, 1);
  await running.kernelBack();
});
