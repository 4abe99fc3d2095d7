/** What traces say of ways out and in: uplinks, pools and floating IPs, over a forwarder that tells what the test says. */
import { type FloatingIpRow, type Row, readMac, type TraceStep } from '@weft/kernel/contract/net';
import type { OperationCall } from '@weft/kernel/sdk';
import test, { type ExecutionContext } from 'ava';
import { Value } from 'typebox/value';
import { Programmer } from '../rows/programmer.ts';
import { call, db, flow, out, ownMac, site, web } from '../test/outside.ts';
import { type Store, settings } from '../test/store.ts';
import { packetFrame, questionFrame } from './probe-frames.ts';
import { trace, traceSpec } from './trace.ts';

/** The lines as `step: text`, and the frames that were asked about. */
async function traced(
  t: ExecutionContext,
  store: Store,
  given: Omit<Parameters<typeof trace>[1], 'proto'>,
  steps: readonly TraceStep[],
  asked = call('default'),
) {
  const frames: (readonly [number, Buffer])[] = [];
  const answer = {
    kind: 'sent',
    frame: packetFrame({ srcMac: ownMac, src: '192.0.2.1', dst: '192.0.2.2' }, '02:00:00:00:00:01', 'icmp', 0),
  } as const;
  const forwarder = {
    trace: (id: number, frame: Buffer): Promise<readonly TraceStep[]> => {
      frames.push([id, frame]);
      const isQuestion = frame.readUInt16BE(12) === 0x0806;
      return Promise.resolve(isQuestion ? [{ ...answer, port: id }] : steps);
    },
  };
  const told = await trace({ objects: store, forwarder }, { proto: 'tcp', ...given }, asked);
  t.true(Value.Check(traceSpec.output, told));
  return { told, frames, lines: told.items.map(({ step, text }) => `${step}: ${text}`) };
}

const row = (given: Row): TraceStep => ({ kind: 'row', row: given });
const sent = (id: number): TraceStep => ({ kind: 'sent', port: id, frame: Buffer.alloc(60) });
const nexthop = {
  table: 'nexthop',
  id: 1,
  port: 0,
  bridge: 0,
  mac: '00:00:00:00:00:00',
  target: 0,
  flags: 0,
  size: 0,
  puntClass: 0,
} as const;

test('the way out is told: table after table, the pool, and the gateway', async (t) => {
  const store = site();
  const { id, network: behind } = out(store);
  const programmer = new Programmer(store, { replace: () => Promise.resolve(), update: (rows) => Promise.resolve(void rows) }, settings);
  await programmer.replace();
  const gateway =
    programmer.decisions.routesOf(behind).find(({ path }) => path.prefix.length === 0)?.path.nextHop ?? t.fail('no default route');
  const began = flow({
    ...{ event: 'began', fromPort: web(store).id, toPort: id, srcPort: 49_152 },
    nat: { src: '203.0.113.1', srcPort: 0, dst: '198.51.100.9', dstPort: 443 },
  });
  const { told, lines } = await traced(t, store, { from: 'web1', to: '198.51.100.9', l4Port: 443 }, [
    row({ table: 'route', vrf: 1, prefixLength: 0, source: 50, address: '0.0.0.0', nexthop: 1 }),
    row({ ...nexthop, type: 5, target: behind }),
    row({ table: 'route', vrf: behind, prefixLength: 0, source: 20, address: '0.0.0.0', nexthop: 1 }),
    row({ ...nexthop, type: 3, size: 2 }),
    row(gateway),
    row({ table: 'vrf_nat', vrf: 1, pool: 7, port: id }),
    row({
      table: 'nat_address',
      port: id,
      address: '203.0.113.1',
      pool: 7,
      portMin: 1024,
      portMax: 65535,
      blockSize: 512,
      portBlocks: 8,
      flags: 0,
    }),
    { kind: 'flow', flow: began },
    row({ table: 'uplink_neighbor', port: id, address: '192.0.2.254', mac: '02:00:00:00:00:fe', generation: 1, silent: 0 }),
    sent(id),
  ]);
  t.deepEqual(lines.slice(1), [
    'route: 0.0.0.0/0 (external) in the table of default/red',
    'next hop: on in the table of uplink public',
    'route: 0.0.0.0/0 (static) in the table of uplink public',
    'next hop: one of 2 places, by a hash of the flow',
    'next hop: gateway 192.0.2.254 of uplink public',
    'way out: default/red has the addresses of pool default/shared at uplink public',
    'pool: 203.0.113.1 of uplink public is shared by the ports of pool default/shared',
    'flow: a new flow would begin: the answers to it pass as well',
    'NAT: the source 10.1.0.11 becomes an outside port of 203.0.113.1',
    'neighbour: 192.0.2.254 behind uplink public is at 02:00:00:00:00:fe',
    'send: 60 bytes leave through uplink public',
    'end: delivered to uplink public',
  ]);
  t.like(told, { from: 'default/web1', end: 'delivered', ports: ['uplink public'] });
});

test('what is not translated is dropped with what to do', async (t) => {
  const store = site();
  const { told } = await traced(t, store, { from: 'web1', to: '198.51.100.9' }, [
    { kind: 'dropped', reason: 'not-translated', sentence: 'It says so.', frame: Buffer.alloc(60) },
  ]);
  t.like(told, { end: 'dropped', reason: 'not-translated' });
  t.regex(told.advice ?? '', /external\.snatPool/);
});

const floating = (store: Store, of: Pick<FloatingIpRow, 'address' | 'inside' | 'insidePort'>): TraceStep =>
  row({ table: 'floating_ip', port: out(store).id, prefixLength: 24, ...of });

test('whether the internet reaches a floating IP is asked from the uplink', async (t) => {
  const store = site({ addresses: ['192.0.2.1/24'] });
  const { id, network: behind } = out(store);
  const inside = { address: '203.0.113.20', inside: '10.1.0.11', insidePort: web(store).id };
  const steps = [
    floating(store, inside),
    { kind: 'flow', flow: flow({ event: 'began', fromPort: id, toPort: web(store).id, src: '198.51.100.1', dst: '203.0.113.20', nat: { src: '198.51.100.1', srcPort: 40_000, dst: '10.1.0.11', dstPort: 443 } }) }, // biome-ignore format: one line
    sent(web(store).id),
  ] as const;
  const { told, frames, lines } = await traced(t, store, { from: 'public', to: '203.0.113.20', l4Port: 443 }, steps);
  t.deepEqual(lines, [
    'floating IP: 203.0.113.20 of uplink public is 10.1.0.11 of default/web1',
    'flow: a new flow would begin: the answers to it pass as well',
    'NAT: the target 203.0.113.20 becomes 10.1.0.11',
    'send: 60 bytes leave through default/web1',
    'end: delivered to default/web1',
  ]);
  t.deepEqual([told.from, frames.length, frames[0]?.[0]], ['uplink public', 1, id]);
  const ends = { srcMac: '02:00:00:00:00:01', src: '198.51.100.1', dst: '203.0.113.20' };
  t.deepEqual(frames[0]?.[1], packetFrame(ends, ownMac, 'tcp', 443));
  t.true(behind > 0);
});

test('what is on the link of an uplink is asked for first, by its gateway', async (t) => {
  const store = site();
  const { frames, lines } = await traced(t, store, { from: 'public', to: '192.0.2.20', source: '203.0.113.99' }, [sent(web(store).id)]);
  t.deepEqual(frames[0]?.[1], questionFrame({ srcMac: '02:00:00:00:00:01', src: '192.0.2.254', dst: '192.0.2.20' }));
  t.is(frames[1]?.[1].subarray(26, 30).join('.'), '203.0.113.99');
  t.is(readMac(frames[1]?.[1] ?? Buffer.alloc(14), 0), ownMac);
  t.is(lines[0], `ARP: a router asks for 192.0.2.20 and is told ${ownMac}`);
});

test('what cannot be asked of an uplink is said', async (t) => {
  const store = site();
  const ask = (given: Omit<Parameters<typeof trace>[1], 'proto'>, asked?: OperationCall) => traced(t, store, given, [], asked);
  await t.throwsAsync(ask({ from: 'public', to: '203.0.113.20' }, call('acme', ['acme'])), { message: /no Port or Trunk public/ });
  await t.throwsAsync(ask({ from: 'public', to: '203.0.113.20', source: '2001:db8::9' }), { message: /not of one family/ });
  await t.throwsAsync(ask({ from: 'web1', to: '203.0.113.20', source: 'me' }), { message: /me is not an IP address \(source\)/ });
  store.setStatus({ kind: 'Uplink', name: 'public' }, { mac: '' });
  await t.throwsAsync(ask({ from: 'public', to: '203.0.113.20' }), { message: /no MAC address yet/ });
});

test('behind a floating IP of another tenant a trace tells nothing of his network', async (t) => {
  const store = site();
  const blue = store.objects.get('VirtualNetwork/acme/blue')?.status.id as number;
  const steps: TraceStep[] = [
    floating(store, { address: '203.0.113.30', inside: '10.2.0.5', insidePort: db(store).id }),
    row({ table: 'route', vrf: blue, prefixLength: 32, source: 10, address: '10.2.0.5', nexthop: 1 }),
    row({ ...nexthop, type: 1, port: db(store).id, bridge: blue, mac: db(store).mac }),
    {
      kind: 'flow',
      flow: flow({
        ...{ event: 'began', fromPort: web(store).id, toPort: db(store).id, dst: '203.0.113.30' },
        nat: { src: '203.0.113.1', srcPort: 0, dst: '10.2.0.5', dstPort: 443 },
      }),
    },
    sent(db(store).id),
  ];
  const given = { from: 'web1', to: '203.0.113.30' };
  const all = await traced(t, store, given, steps);
  t.true(all.lines.includes('floating IP: 203.0.113.30 of uplink public is 10.2.0.5 of acme/db1'));
  t.true(all.lines.includes('NAT: the target 203.0.113.30 becomes 10.2.0.5'));
  const own = await traced(t, store, given, steps, call('default', ['default']));
  t.notRegex(JSON.stringify(own.told), /10\.2\.0|acme|db1/);
  t.is(own.told.end, 'delivered');
});

test('in a natively routed network of another tenant a trace tells nothing of it, either', async (t) => {
  const store = site();
  const { network: behind } = out(store);
  const [red, blue] = ['default/red', 'acme/blue'].map((name) => store.objects.get(`VirtualNetwork/${name}`)?.status.id as number);
  const route = (vrf = 0, address = '0.0.0.0') => row({ table: 'route', vrf, prefixLength: 0, source: 45, address, nexthop: 1 });
  const steps: TraceStep[] = [
    route(red),
    row({ ...nexthop, type: 5, target: behind }),
    route(behind, '10.2.0.0'),
    row({ ...nexthop, type: 5, target: blue ?? 0 }),
    route(blue, '10.2.0.0'),
    row({ ...nexthop, type: 1, port: db(store).id, bridge: blue ?? 0, mac: db(store).mac }),
    row({ table: 'neighbor', bridge: blue ?? 0, address: '10.2.0.5', mac: db(store).mac, flags: 0 }),
    sent(db(store).id),
  ];
  const given = { from: 'web1', to: '10.2.0.5' };
  const all = await traced(t, store, given, steps);
  t.regex(JSON.stringify(all.told), new RegExp(db(store).mac));
  const { told, lines } = await traced(t, store, given, steps, call('default', ['default']));
  t.deepEqual(lines.slice(1, -2), [
    'route: 0.0.0.0/0 (underlay) in the table of default/red',
    'next hop: on in the table of uplink public',
    'route: 10.2.0.0/0 (underlay) in the table of uplink public',
    'next hop: on in the table of a VirtualNetwork of another project',
  ]);
  t.notRegex(JSON.stringify(told), new RegExp(`acme|db1|${db(store).mac}`));
});
