/** DHCPv6 through the whole plugin: punts in, frames out. */
import { buildUdpFrame, gatewayLinkLocal, gatewayMac, parseUdpFrame, puntFlagVlan, type UdpFrame } from '@weft/kernel/contract/net';
import { startPlugin, type TestPlugin } from '@weft/kernel/sdk/testing';
import test, { type ExecutionContext } from 'ava';
import plugin from '../index.ts';
import { buildMessage, writeOptions } from '../v6/codec.ts';
import { messageTypes, type Option, optionCodes } from '../v6/option.ts';
import { unwrap } from '../v6/relay.ts';
import { bytesOf, clientId, iaNa, message, optionOf, parsed, payload, serverDuid, serverId, wanting } from './client6.ts';
import { macOf, network6, port6, subnet6 } from './world6.ts';

const world = [network6([subnet6], { domain: 'red.example' }), port6(1, { hostname: 'web1' })] as const;
const { solicit, request, release, decline } = messageTypes;

async function started(
  t: ExecutionContext,
  objects: readonly Parameters<TestPlugin['put']>[0][] = world,
  config = {},
): Promise<TestPlugin> {
  const running = await startPlugin(plugin, { objects, config });
  t.teardown(() => running.stop());
  return running;
}

function frame(bytes: Buffer, parts: Partial<UdpFrame> = {}): Buffer {
  return buildUdpFrame({
    ...{ srcMac: macOf(1), dstMac: '33:33:00:01:00:02', src: 'fe80::1', dst: 'ff02::1:2', srcPort: 546, dstPort: 547, payload: bytes },
    ...parts,
  });
}

async function ask(running: TestPlugin, asked: Buffer, parts: Partial<UdpFrame> = {}): Promise<UdpFrame | undefined> {
  const before = running.forwarder.injected.length;
  await running.punt('dhcp6', { port: 1, generation: 5, frame: frame(asked, parts) });
  const record = running.forwarder.injected[before];
  return record && parseUdpFrame(record.frame);
}

const leases = async (running: TestPlugin) => ((await running.operation('leases')) as { items: Record<string, unknown>[] }).items;
const counts = async (running: TestPlugin) => {
  const { items } = (await running.operation('counters')) as { items: { protocol: string; name: string; count: number }[] };
  return Object.fromEntries(items.filter(({ protocol }) => protocol === 'dhcpv6').map(({ name, count }) => [name, count]));
};

test('listens to the groups of networks with an IPv6 subnet with DHCP', async (t) => {
  const running = await started(t);
  const rows = () => running.forwarder.rows('service').filter(({ l4Port }) => l4Port === 547);
  t.deepEqual(
    rows()
      .map(({ vrf, protocol, address }) => [vrf, protocol, address])
      .sort(),
    [
      [7, 17, 'ff02::1:2'],
      [7, 17, 'ff05::1:3'],
    ],
  );
  await running.put(network6([{ ...subnet6, dhcp: false, slaac: true }]));
  t.deepEqual(rows(), []);
});

test('gives the port its address, from the gateway’s link-local address, out of the port that asked', async (t) => {
  const running = await started(t);
  const offered = await ask(running, payload(solicit, clientId, iaNa(1), wanting(23, 24)));
  t.like(offered, { srcMac: gatewayMac, dstMac: macOf(1), src: gatewayLinkLocal, dst: 'fe80::1', srcPort: 547, dstPort: 546 });
  t.like(running.forwarder.injected[0], { port: 1, generation: 5, flags: 0 });
  const advertised = parsed(offered?.payload ?? Buffer.alloc(0));
  t.is(advertised.type, messageTypes.advertise);
  t.is(advertised.transactionId, 0x12_3456);
  t.deepEqual(
    advertised.options.map(([code]) => code),
    [1, 2, 7, 3, 23, 24],
  );
  t.deepEqual(optionOf(advertised, optionCodes.serverId), serverDuid);
  t.deepEqual(optionOf(advertised, optionCodes.dnsServers), bytesOf('2001:db8:1::1'));
  t.true(optionOf(advertised, optionCodes.iaNa)?.includes(bytesOf('2001:db8:1::11')));
  const replied = await ask(running, payload(request, clientId, serverId, iaNa(1, '2001:db8:1::11')));
  t.is(parsed(replied?.payload ?? Buffer.alloc(0)).type, messageTypes.reply);
});

test('shows leases with the client’s DUID and IAID, and why there is none', async (t) => {
  const running = await started(t, world, { leaseSeconds: 600 });
  await ask(running, payload(solicit, clientId, iaNa(0xabc)));
  t.like((await leases(running))[0], { family: 6, state: 'offered', address: '2001:db8:1::11', expiresAt: '' });
  await ask(running, payload(request, clientId, serverId, iaNa(0xabc)));
  const [lease] = await leases(running);
  t.like(lease, { port: 'p1', hostname: 'web1', state: 'acknowledged', clientId: '00030001020000000001/abc', reason: '' });
  t.is(Date.parse(String(lease?.expiresAt)) - Date.parse(String(lease?.at)), 600_000);
  await ask(running, payload(decline, clientId, serverId, iaNa(0xabc, '2001:db8:1::11')));
  t.like((await leases(running))[0], { state: 'declined', reason: 'client found 2001:db8:1::11 in use', expiresAt: '' });
  await ask(running, payload(release, clientId, serverId, iaNa(0xabc, '2001:db8:1::11')));
  t.like((await leases(running))[0], { state: 'released' });
  await ask(running, payload(request, clientId, [optionCodes.serverId, Buffer.from('000300010200', 'hex')], iaNa(0xabc)));
  t.like((await leases(running))[0], { state: 'released', ignored: 1, ignoredReason: 'client chose server 000300010200' });
  await running.put(network6([subnet6, { cidr: '2001:db8:2::/64', dhcp: false }]));
  await running.put({ ...world[1], status: { ...world[1].status, addresses: ['2001:db8:2::11'] } });
  await ask(running, payload(solicit, clientId, iaNa(0xabc)));
  t.like(await leases(running), [{ state: 'refused', reason: 'port has no address in an IPv6 subnet with dhcp' }]);
});

/** What is silent, and the counter that tells. */
const silent: readonly (readonly [name: string, cause: string, bytes: Buffer, parts?: Partial<UdpFrame>])[] = [
  ['a message sent to one server (§18.4)', 'unicast', payload(solicit, clientId, iaNa(1)), { dst: gatewayLinkLocal }],
  ['an empty datagram', 'malformed', Buffer.alloc(0)],
  ['a message cut short', 'malformed', payload(solicit, clientId, iaNa(1)).subarray(0, -1)],
  ['a Relay-forward without a message', 'malformed', Buffer.concat([Buffer.from([12, 0]), Buffer.alloc(32)])],
  ['a Solicit with a server identifier (§16.2)', 'malformed', payload(solicit, clientId, serverId, iaNa(1))],
  ['a Reply (§16.10)', 'not-a-request', payload(messageTypes.reply, clientId, serverId, iaNa(1))],
  ['a Request to another server (§16.4)', 'other-server', payload(request, clientId, [optionCodes.serverId, Buffer.alloc(10)], iaNa(1))],
  ['a Confirm without addresses (§18.3.3)', 'nothing-to-say', payload(messageTypes.confirm, clientId, iaNa(1))],
  ['a message of another hardware address', 'wrong-hardware-address', payload(solicit, clientId, iaNa(1)), { srcMac: macOf(9) }],
  ['a message of nobody', 'malformed', payload(solicit, clientId, iaNa(1)), { src: '::' }],
  ['a message for another port', 'malformed', payload(solicit, clientId, iaNa(1)), { dstPort: 546 }],
  [
    'a reply that fits no packet',
    'too-long',
    payload(messageTypes.rebind, clientId, iaNa(1, ...Array.from({ length: 60 }, () => '2001:db8:1::99'))),
  ],
];
for (const [name, cause, bytes, parts] of silent) {
  test(`is silent to ${name}`, async (t) => {
    const running = await started(t);
    t.is(await ask(running, bytes, parts), undefined);
    t.deepEqual(await counts(running), { [cause]: 1 });
  });
}

test('is silent to ports that it does not know, and to what is no IPv6', async (t) => {
  const running = await started(t);
  const asked = payload(solicit, clientId, iaNa(1));
  await running.punt('dhcp6', { port: 99, frame: frame(asked) }, { port: 1, frame: frame(asked, { src: '10.1.0.1', dst: '224.0.0.1' }) });
  t.is(running.forwarder.injected.length, 0);
  t.deepEqual(await counts(running), { 'unknown-port': 1, malformed: 1 });
});

test('hands back VLAN tags of the punt header and of the frame', async (t) => {
  const running = await started(t);
  const asked = payload(solicit, clientId, iaNa(1));
  await running.punt('dhcp6', { port: 1, flags: puntFlagVlan, vlan: 101, frame: frame(asked) });
  t.like(running.forwarder.injected[0], { flags: puntFlagVlan, vlan: 101 });
  t.is((await ask(running, asked, { vlan: 102 }))?.vlan, 102);
});

test('answers through eight relays, to the last of them', async (t) => {
  const running = await started(t);
  const relay = (inner: Buffer, hop: number): Buffer => {
    const options: readonly Option[] = [[optionCodes.interfaceId, Buffer.from([hop])], [optionCodes.relayMessage, inner]]; // biome-ignore format: one line
    return Buffer.concat([Buffer.from([messageTypes.relayForward, hop]), Buffer.alloc(32, hop), writeOptions(options)]);
  };
  const asked = [0, 1, 2, 3, 4, 5, 6, 7].reduce(relay, buildMessage(message(solicit, clientId, iaNa(1))));
  const answered = await ask(running, asked, { srcPort: 547, dst: 'ff05::1:3' });
  t.like(answered, { dst: 'fe80::1', dstPort: 547 });
  let inner = answered?.payload ?? Buffer.alloc(0);
  for (const hop of [7, 6, 5, 4, 3, 2, 1, 0]) {
    t.is(inner[0], messageTypes.relayReply);
    const turned = Buffer.from(inner);
    turned.writeUInt8(messageTypes.relayForward, 0);
    const first: Buffer = turned.subarray(0, 34);
    t.deepEqual(first.subarray(1), Buffer.concat([Buffer.from([hop]), Buffer.alloc(32, hop)]));
    const relayed = optionOf(parsed(Buffer.concat([Buffer.alloc(4), inner.subarray(34)])), optionCodes.relayMessage);
    inner = relayed ?? Buffer.alloc(0);
  }
  t.is(unwrap(inner)?.hops.length, 0);
  t.is(parsed(inner).type, messageTypes.advertise);
});

test('options that do not fit a packet of the network are left out, and named', async (t) => {
  const custom = [1000, 1001, 1002].map((code) => ({ code, family: 6 as const, hex: 'aa'.repeat(512) }));
  const running = await started(t, [network6([subnet6], {}, { mtu: 1280 }), port6(1, { dhcpOptions: { custom } })]);
  const answered = await ask(running, payload(solicit, clientId, iaNa(1), wanting(1000, 1001, 1002, 23)));
  const codes = parsed(answered?.payload ?? Buffer.alloc(0)).options.map(([code]) => code);
  t.deepEqual(codes, [1, 2, 7, 3, 1000, 1001, 23]);
  t.like((await leases(running))[0], { omitted: [1002] });
});
