/** capture, top and trace over a forwarder that tells what the test says. */
import {
  anyVrf,
  type CapturedFrame,
  type CaptureRequest,
  type DropCount,
  type Port,
  type PortStats,
  serviceActions,
  servicePortId,
  type TraceStep,
} from '@weft/kernel/contract/net';
import type { OperationCall } from '@weft/kernel/sdk';
import test from 'ava';
import { Value } from 'typebox/value';
import { network, port, Store, trunk } from '../test/store.ts';
import { capture, captureSpec } from './capture.ts';
import { pcapngHead } from './pcapng.ts';
import { packetFrame, questionFrame } from './probe-frames.ts';
import { top, topSpec } from './top.ts';
import { trace, traceSpec } from './trace.ts';

function site(): Store {
  const store = new Store();
  store.apply([
    network('red', '10.1.0.0/24', '2001:db8:1::/64'),
    trunk('trunk0'),
    port('web1', { addresses: ['10.1.0.11', '2001:db8:1::11'], mac: '02:00:00:00:00:01' }),
    port('web2', { addresses: ['10.1.0.12'], mac: '02:00:00:00:00:02' }),
  ]);
  return store;
}

const call = (fields: Partial<OperationCall> = {}): OperationCall => ({
  project: 'default',
  signal: new AbortController().signal,
  ...fields,
});
const idOf = (store: Store, name: string): number => store.get<Port>({ kind: 'Port', project: 'default', name })?.status.id ?? 0;
const ends = { srcMac: '02:00:00:00:00:01', src: '10.1.0.11', dst: '10.1.0.12' };

function captured(...frames: Partial<CapturedFrame>[]) {
  const requests: CaptureRequest[] = [];
  const data = packetFrame(ends, '02:00:00:00:00:02', 'icmp', 0);
  const whole = frames.map(
    (frame): CapturedFrame => ({ timestampNs: 1_500_000_000n, direction: 'in', length: data.length, data, ...frame }),
  );
  return {
    requests,
    capture: async function* (request: CaptureRequest) {
      requests.push(request);
      yield { frames: [], lost: 0 };
      yield { frames: whole, lost: 2 };
    },
  };
}

test('a capture shows a line for each frame, ends after so many, and tells what was lost once', async (t) => {
  const store = site();
  const forwarder = captured({}, { direction: 'out', reason: 'tx-full' }, {});
  const items = await Array.fromAsync(capture({ objects: store, forwarder }, { port: 'web1', count: 2, filter: 'icmp', snap: 64 }, call()));
  t.deepEqual(items, [
    { time: '1970-01-01T00:00:01.500000000Z', direction: 'in', length: 46, summary: '10.1.0.11 > 10.1.0.12 ICMP echo request', lost: 2 },
    {
      time: '1970-01-01T00:00:01.500000000Z',
      direction: 'out',
      length: 46,
      summary: '10.1.0.11 > 10.1.0.12 ICMP echo request',
      dropped: 'tx-full',
    },
  ]);
  for (const item of items) t.true(Value.Check(captureSpec.output, item));
  t.deepEqual(forwarder.requests, [{ port: idOf(store, 'web1'), filter: 'icmp', snap: 64 }]);
});

test('as a file it begins with the head, also before the first frame', async (t) => {
  const parts = capture({ objects: site(), forwarder: captured({ reason: 'no-route' }) }, { port: 'web1' }, call({ file: true }));
  t.deepEqual((await parts.next()).value, pcapngHead('default/web1', 0));
  const { value } = await parts.next();
  t.true(Buffer.isBuffer(value) && value.includes('dropped: no-route'));
  t.true((await parts.next()).done);
});

test('a port that is not there cannot be captured or traced, a trunk not traced', async (t) => {
  const objects = site();
  t.throws(() => capture({ objects, forwarder: captured() }, { port: 'nope' }, call()), { message: /no Port, Trunk or Uplink nope/ });
  const forwarder = { trace: () => Promise.resolve([]) };
  const given = { to: '10.1.0.12', proto: 'icmp' } as const;
  await t.throwsAsync(trace({ objects, forwarder }, { ...given, from: 'web1', l4Port: 80 }, call()), { message: /has no port/ });
  await t.throwsAsync(trace({ objects, forwarder }, { ...given, from: 'nope' }, call()), { message: /no Port, Trunk or Uplink nope/ });
  await t.throwsAsync(trace({ objects, forwarder }, { ...given, from: 'trunk0' }, call()), { message: /trunk0 is a Trunk/ });
  await t.throwsAsync(trace({ objects, forwarder }, { ...given, from: 'web1', to: 'x' }, call()), { message: /x is not an IP address/ });
  await t.throwsAsync(trace({ objects, forwarder }, { ...given, from: 'web2', to: '2001:db8::1' }, call()), { message: /no IPv6 address/ });
});

/** A forwarder that answers questions with a MAC address, and packets with these steps. */
function tracing(store: Store, steps: readonly TraceStep[], mac: string | null = '00:00:5e:00:01:00') {
  const asked: Buffer[] = [];
  const from = idOf(store, 'web1');
  return {
    asked,
    trace: (id: number, frame: Buffer): Promise<readonly TraceStep[]> => {
      asked.push(frame);
      if (id !== from) throw new Error('traced from another port');
      if (asked.length > 1) return Promise.resolve(steps);
      if (mac === null) return Promise.resolve([{ kind: 'sent', port: idOf(store, 'web2'), frame }]);
      const answer = packetFrame({ ...ends, srcMac: mac }, ends.srcMac, 'icmp', 0);
      return Promise.resolve([{ kind: 'sent', port: from, frame: answer }]);
    },
  };
}

const given = { from: 'web1', proto: 'tcp', l4Port: 443 } as const;

test('a trace asks the gateway for what is elsewhere, sends to its MAC address, and says what decides', async (t) => {
  const store = site();
  const route = { table: 'route', vrf: 1, prefixLength: 24, source: 10, address: '10.2.0.0', nexthop: 1 } as const;
  const forwarder = tracing(store, [
    { kind: 'stage', stage: 'check', verdict: 'next' },
    { kind: 'row', row: route },
    { kind: 'sent', port: idOf(store, 'web2'), frame: Buffer.alloc(60) },
  ]);
  const answer = await trace({ objects: store, forwarder }, { ...given, to: '10.2.0.9' }, call());
  t.deepEqual(forwarder.asked, [
    questionFrame({ ...ends, dst: '10.1.0.1' }),
    packetFrame({ ...ends, dst: '10.2.0.9' }, '00:00:5e:00:01:00', 'tcp', 443),
  ]);
  t.like(answer, { from: 'default/web1', to: '10.2.0.9', end: 'delivered', ports: ['default/web2'] });
  t.deepEqual(
    answer.items.map(({ step, text }) => `${step}: ${text}`),
    [
      'ARP: the VM asks for 10.1.0.1 and is told 00:00:5e:00:01:00',
      'port security: the port may send from 10.1.0.11 with 02:00:00:00:00:01',
      'route: 10.2.0.0/24 (connected) in the table of default/red',
      'send: 60 bytes leave through default/web2',
      'end: delivered to default/web2',
    ],
  );
  t.deepEqual(answer.items[2]?.row, { ...route });
  t.true(Value.Check(traceSpec.output, answer));
});

test('a trace names nothing of projects that the caller may not see', async (t) => {
  const store = site();
  const forwarder = tracing(store, [{ kind: 'sent', port: idOf(store, 'web2'), frame: Buffer.alloc(60) }]);
  const answer = await trace({ objects: store, forwarder }, { ...given, to: '10.2.0.9' }, { ...call(), projects: ['acme'] });
  t.deepEqual(answer.ports, ['a Port of another project']);
  t.notRegex(JSON.stringify(answer), /web2/);
});

test('on its own subnet a VM asks for the destination itself', async (t) => {
  const store = site();
  const frame = Buffer.alloc(60);
  const forwarder = tracing(store, [{ kind: 'dropped', reason: 'mtu-exceeded', sentence: 'Too long.', frame }], '02:00:00:00:00:02');
  const answer = await trace({ objects: store, forwarder }, { ...given, to: '10.1.0.12' }, call());
  t.deepEqual(forwarder.asked[0], questionFrame(ends));
  t.like(answer, { end: 'dropped', reason: 'mtu-exceeded' });
  t.is(answer.items.at(-1)?.text, 'dropped: mtu-exceeded');
});

test('a packet to the own address leaves no VM', async (t) => {
  const store = site();
  const forwarder = tracing(store, [], null);
  await t.throwsAsync(trace({ objects: store, forwarder }, { ...given, to: '10.1.0.11' }, call()), {
    message: /10\.1\.0\.11 is an address of web1 itself \(to\)/,
  });
  t.is(forwarder.asked.length, 0);
});

test('a question that only VMs may answer is no delivery', async (t) => {
  const store = site();
  const forwarder = tracing(store, [], null);
  const answer = await trace({ objects: store, forwarder }, { ...given, to: '10.1.0.99' }, call());
  t.is(forwarder.asked.length, 1);
  t.like(answer, { end: 'dropped', reason: 'no-answer', ports: ['default/web2'] });
  t.regex(answer.items.at(-1)?.text ?? '', /not sent, unless a VM behind default\/web2 answers/);
});

test('what some ports received is delivered, though copies for others were dropped', async (t) => {
  const store = site();
  const frame = Buffer.alloc(60);
  const steps: readonly TraceStep[] = [
    { kind: 'sent', port: idOf(store, 'web2'), frame },
    { kind: 'dropped', reason: 'port-down', sentence: 'It is down.', frame },
  ];
  const forwarder = { trace: (): Promise<readonly TraceStep[]> => Promise.resolve(steps) };
  const group = await trace({ objects: store, forwarder }, { ...given, to: '224.0.0.251' }, call());
  t.like(group, { end: 'delivered', ports: ['default/web2'] });
  t.is(group.items.at(-1)?.text, 'delivered to default/web2; other copies dropped: port-down');
  const unknown = await trace({ objects: store, forwarder }, { ...given, to: '10.1.0.99' }, call());
  t.like(unknown, { end: 'dropped', reason: 'no-answer', ports: ['default/web2'] });
});

test('what goes to sockets of a plugin is said in words, with the rule', async (t) => {
  const store = site();
  const frame = Buffer.alloc(60);
  const metadata = '169.254.169.254';
  const row = {
    table: 'service',
    vrf: anyVrf,
    protocol: 6,
    l4Port: 80,
    address: metadata,
    action: serviceActions.port,
    puntClass: 0,
  } as const;
  const port = { table: 'port', id: servicePortId(3), bridge: 0, parent: 3, flags: 16, mac: '02:77:66:00:00:03', mtu: 9000 } as const;
  const out = { ...port, vlan: 0, binding: 2, interface: 'service0', netns: 'weft-abc-metadata', socket: '' };
  const forwarder = tracing(store, [
    { kind: 'row', row },
    { kind: 'row', row: out },
    { kind: 'served', plugin: 'metadata', frame },
  ]);
  const answer = await trace({ objects: store, forwarder }, { ...given, to: metadata, proto: 'tcp' }, call());
  t.like(answer, { end: 'served', plugin: 'metadata', ports: [] });
  t.deepEqual(
    answer.items.slice(-4).map(({ text }) => text),
    [
      'tcp port 80 of 169.254.169.254 is served by sockets of a plugin',
      'out through a service port',
      '60 bytes leave through the service port of the plugin metadata',
      'served by the plugin metadata, through its service port',
    ],
  );
  t.true(Value.Check(traceSpec.output, answer));
});

test('a group address needs no question', async (t) => {
  const store = site();
  const asked: Buffer[] = [];
  const forwarder = {
    trace: (_id: number, frame: Buffer): Promise<readonly TraceStep[]> => {
      asked.push(frame);
      return Promise.resolve([{ kind: 'punted', plugin: 'dhcp', puntClass: 'dhcp', frame }]);
    },
  };
  const answer = await trace({ objects: store, forwarder }, { ...given, proto: 'udp', l4Port: 67, to: '255.255.255.255' }, call());
  t.deepEqual(asked, [packetFrame({ ...ends, dst: '255.255.255.255' }, 'ff:ff:ff:ff:ff:ff', 'udp', 67)]);
  t.like(answer, { end: 'punted', plugin: 'dhcp' });
});

test('top tells rates since the sample before, the busiest port first, and why most is dropped', async (t) => {
  const store = site();
  const [one, two] = [idOf(store, 'web1'), idOf(store, 'web2')];
  let round = 0;
  const zero = { injected: 0, cloned: 0, originated: 0, sent: 0, punted: 0 };
  const stats = (): Promise<{ ports: PortStats[] }> => {
    round += 1;
    const of = (id: number, each: number): PortStats => ({
      ...{
        id,
        rxPackets: each * round,
        rxBytes: each * round * 100,
        txPackets: each * round,
        txBytes: each * round * 100,
        dropped: each * round,
      },
      ...zero,
    });
    return Promise.resolve({ ports: [of(one, 10), of(two, 1_000)] });
  };
  const drops = (): Promise<{ drops: DropCount[] }> =>
    Promise.resolve({
      drops: [
        { port: two, reason: 'old', packets: 9_999, bytes: 0 },
        { port: two, reason: 'no-route', packets: 5 * round, bytes: 0 },
      ],
    });
  const abort = new AbortController();
  const tables = top({ objects: store, forwarder: { stats, drops } }, { interval: 1, limit: 1 }, call({ signal: abort.signal }));
  const { value } = await tables.next();
  abort.abort();
  t.true((await tables.next()).done);
  const [first] = value?.items ?? [];
  t.is(value?.items.length, 1);
  t.like(first, { project: 'default', port: 'web2', kind: 'Port', reason: 'no-route' });
  t.true((first?.rxPackets ?? 0) > 500 && (first?.rxPackets ?? 0) <= 1_000);
  t.is(Math.round((first?.rxBits ?? 0) / (first?.rxPackets ?? 1)), 800);
  t.true(Value.Check(topSpec.output, value));
});
