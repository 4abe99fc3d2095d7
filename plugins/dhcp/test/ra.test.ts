/** Router advertisements through the whole plugin. */
import {
  buildIcmpv6Frame,
  gatewayLinkLocal,
  gatewayMac,
  type Icmpv6Frame,
  type PuntRecord,
  parseIcmpv6Frame,
} from '@weft/kernel/contract/net';
import { keyOf } from '@weft/kernel/contract/system';
import { type StartOptions, startPlugin, type TestPlugin } from '@weft/kernel/sdk/testing';
import test, { type ExecutionContext } from 'ava';
import plugin from '../index.ts';
import { macOf, network6, port6, subnet6 } from './world6.ts';

const slaac = { ...subnet6, slaac: true };

async function started(t: ExecutionContext, options: StartOptions): Promise<TestPlugin> {
  const running = await startPlugin(plugin, options);
  t.teardown(() => running.stop());
  return running;
}

interface Heard extends Icmpv6Frame {
  readonly port: number;
  readonly generation: number;
  readonly routerLifetimeSeconds: number;
  /** Prefixes with their valid lifetimes. */
  readonly prefixes: readonly (readonly [flags: number, validSeconds: number])[];
}

function heardIn({ port, generation, frame }: PuntRecord): Heard {
  const message = parseIcmpv6Frame(frame);
  if (message?.type !== 134) throw new Error('not a router advertisement');
  const prefixes: [number, number][] = [];
  for (let at = 12; at < message.body.length; at += message.body.readUInt8(at + 1) * 8)
    if (message.body.readUInt8(at) === 3) prefixes.push([message.body.readUInt8(at + 3), message.body.readUInt32BE(at + 4)]);
  return { ...message, port, generation, routerLifetimeSeconds: message.body.readUInt16BE(2), prefixes };
}
const heard = (running: TestPlugin): readonly Heard[] => running.forwarder.injected.map(heardIn);
const heardBy = (running: TestPlugin, port: number) => heard(running).filter((each) => each.port === port);

const solicitation = (parts: Partial<Icmpv6Frame> = {}): Buffer =>
  buildIcmpv6Frame({
    ...{ srcMac: macOf(1), dstMac: '33:33:00:00:00:02', src: 'fe80::1', dst: 'ff02::2', hopLimit: 255, type: 133, code: 0 },
    body: Buffer.alloc(4),
    ...parts,
  });

test('listens to router solicitations of networks with an IPv6 subnet that is advertised', async (t) => {
  const running = await started(t, { objects: [network6([{ ...slaac, dhcp: false }])] });
  const rows = () => running.forwarder.rows('service').map(({ vrf, protocol, l4Port, address }) => [vrf, protocol, l4Port, address]);
  t.deepEqual(rows(), [[7, 58, 133, '::']]);
  await running.put(network6([{ ...subnet6, dhcp: false }]));
  t.deepEqual(rows(), []);
});

test('answers who asks at once, and nobody else', async (t) => {
  const running = await started(t, { objects: [network6([slaac]), port6(1), port6(2)] });
  await running.punt('router-solicitation', { port: 1, generation: 5, frame: solicitation() });
  t.is(running.forwarder.injected.length, 1);
  t.like(heard(running)[0], {
    ...{ port: 1, generation: 5, srcMac: gatewayMac, dstMac: macOf(1), src: gatewayLinkLocal, dst: 'fe80::1', hopLimit: 255 },
    routerLifetimeSeconds: 1800,
  });
  t.deepEqual(heard(running)[0]?.prefixes, [[0xc0, 86_400]]);
});

test('a tagged solicitation gets a tagged answer', async (t) => {
  const running = await started(t, { objects: [network6([slaac]), port6(1)] });
  await running.punt('router-solicitation', { port: 1, frame: solicitation({ vlan: 9 }) });
  t.is(heard(running)[0]?.vlan, 9);
});

test('is silent to bad solicitations, unknown ports, and where nothing is advertised', async (t) => {
  const running = await started(t, { objects: [network6([{ ...subnet6, dhcp: false }]), port6(1)] });
  const records = [
    { port: 1, frame: solicitation({ hopLimit: 254 }) },
    { port: 99, frame: solicitation() },
    { port: 1, frame: solicitation() },
    { port: 1, frame: Buffer.alloc(60) },
  ];
  await running.punt('router-solicitation', ...records);
  t.is(running.forwarder.injected.length, 0);
  const { items } = (await running.operation('counters')) as { items: { protocol: string; name: string; count: number }[] };
  t.deepEqual(items, [
    { protocol: 'ra', name: 'malformed', count: 2 },
    { protocol: 'ra', name: 'not-configured', count: 1 },
    { protocol: 'ra', name: 'unknown-port', count: 1 },
  ]);
});

test('ports that are up are told unasked, whichever comes first, port or object', async (t) => {
  const running = await started(t, { objects: [network6([slaac]), port6(1), port6(2)], ports: [{ id: 1, generation: 3 }, { id: 4 }] });
  await running.until(() => heardBy(running, 1).length === 1);
  t.like(heardBy(running, 1)[0], { generation: 3, dst: 'ff02::1', dstMac: '33:33:00:00:00:01' });
  await running.put(port6(4));
  await running.ports([{ id: 2, state: 'down' }]);
  await running.until(() => heardBy(running, 4).length === 1);
  t.is(heardBy(running, 2).length, 0);
  await running.ports([{ id: 2 }]);
  await running.until(() => heardBy(running, 2).length === 1);
});

test('a port made anew is told anew, with its new generation', async (t) => {
  const running = await started(t, { objects: [network6([slaac]), port6(1)], ports: [{ id: 1 }] });
  await running.until(() => heard(running).length === 1);
  await running.ports([{ id: 1, generation: 2 }]);
  await running.until(() => heard(running).length === 2);
  t.deepEqual(
    heard(running).map(({ generation }) => generation),
    [1, 2],
  );
});

test('a change of the network is told within seconds, what is gone with a lifetime of 0', async (t) => {
  const running = await started(t, { objects: [network6([slaac]), port6(1)], ports: [{ id: 1 }] });
  await running.until(() => heard(running).length === 1);
  await running.put(network6([subnet6, { cidr: '2001:db8:2::/64', dhcp: true }]));
  await running.until(() => heard(running).length === 2);
  t.deepEqual(heard(running)[1]?.prefixes, [
    [0x40, 0],
    [0x80, 86_400],
    [0x80, 86_400],
  ]);
});

test('a network that is served no longer says so: no router, no prefixes', async (t) => {
  const running = await started(t, { objects: [network6([slaac]), port6(1)], ports: [{ id: 1 }] });
  await running.until(() => heard(running).length === 1);
  await running.put(network6([{ ...subnet6, dhcp: false }]));
  await running.until(() => heard(running).length === 2);
  t.is(heard(running)[1]?.routerLifetimeSeconds, 0);
  t.deepEqual(heard(running)[1]?.prefixes, [
    [0x80, 0],
    [0x40, 0],
  ]);
});

test('when disabled every port hears a last one, and nothing after it', async (t) => {
  const objects = [network6([slaac]), ...Array.from({ length: 100 }, (_, index) => port6(index + 1))];
  const running = await started(t, { objects, ports: Array.from({ length: 100 }, (_, index) => ({ id: index + 1 })) });
  await running.until(() => heard(running).length === 100);
  await running.disable();
  const last = heard(running).slice(100);
  t.is(new Set(last.map(({ port }) => port)).size, 100);
  t.true(last.every(({ routerLifetimeSeconds }) => routerLifetimeSeconds === 0));
  await running.put(network6([subnet6]));
  await running.punt('router-solicitation', { port: 1, frame: solicitation() });
  t.is(running.forwarder.injected.length, 200);
});

test('an ordinary stop tells nothing', async (t) => {
  const running = await startPlugin(plugin, { objects: [network6([slaac]), port6(1)], ports: [{ id: 1 }] });
  await running.until(() => heard(running).length === 1);
  await running.stop();
  t.is(running.forwarder.injected.length, 1);
});

test('who asks without an address is answered with all others, three seconds after the last', async (t) => {
  const running = await started(t, { objects: [network6([slaac]), port6(1)], ports: [{ id: 1 }] });
  await running.until(() => heard(running).length === 1);
  await running.punt('router-solicitation', { port: 1, frame: solicitation({ src: '::' }) });
  t.is(heard(running).length, 1);
  await running.until(() => heard(running).length === 2);
  t.is(heard(running)[1]?.dst, 'ff02::1');
});

test('questions without end keep nobody else from hearing', async (t) => {
  const running = await started(t, { objects: [network6([slaac]), port6(1), port6(2)], ports: [{ id: 1 }] });
  await running.until(() => heardBy(running, 1).length === 1);
  await running.ports([{ id: 2 }]);
  for (let asked = 0; asked < 500 && heardBy(running, 2).length === 0; asked += 1) {
    await running.punt('router-solicitation', { port: 1, frame: solicitation({ src: '::' }) });
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  t.is(heardBy(running, 2).length, 1);
});

test('on a network that only bridges there is no router, and ports without security hear the question, too', async (t) => {
  const objects = [network6([subnet6], { forwarding: 'l2' }), ...[1, 2, 3].map((number) => port6(number, { portSecurity: number !== 3 }))];
  const running = await started(t, { objects, ports: [{ id: 3, generation: 8 }] });
  await running.until(() => heard(running).length === 1);
  const asked = solicitation();
  await running.punt('router-solicitation', { port: 1, frame: asked });
  const [, copy, answer] = running.forwarder.injected;
  t.like(copy, { port: 3, generation: 8 });
  t.deepEqual(copy?.frame, asked);
  t.like(answer === undefined ? undefined : heardIn(answer), { port: 1, routerLifetimeSeconds: 0 });
  await running.remove(keyOf(port6(3)));
  await running.punt('router-solicitation', { port: 1, frame: asked });
  t.is(running.forwarder.injected.length, 4);
});
