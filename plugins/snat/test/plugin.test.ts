import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NatAddressStats } from '@weft/kernel/contract/net';
import { keyOf, type WeftObject } from '@weft/kernel/contract/system';
import { makeObject, startPlugin, TestPlugin } from '@weft/kernel/sdk/testing';
import test, { type ExecutionContext } from 'ava';
import plugin from '../index.ts';
import { event, ip, network, pool, port, router, uplink, world } from './world.ts';

type Given = NonNullable<Parameters<typeof startPlugin>[1]>;

const base = [world, network('red', 1), port('vm1', 11), port('vm2', 12, ['10.1.0.12'])];

async function started(t: ExecutionContext, options: Given = {}): Promise<TestPlugin> {
  const running = await startPlugin(plugin, { ...options, objects: [...base, ...(options.objects ?? [])] });
  t.teardown(() => running.stop());
  return running;
}

/** Not started yet. */
function prepared(t: ExecutionContext, options: Given): TestPlugin {
  const running = new TestPlugin(plugin as never, options);
  t.teardown(() => running.stop());
  return running;
}

const tables = (running: TestPlugin): string[] => [...new Set(running.forwarder.rows().map(({ table }) => table))].sort();

async function collect<T>(items: AsyncIterable<unknown>): Promise<T[]> {
  const found: T[] = [];
  for await (const { items: part } of items as AsyncIterable<{ readonly items: readonly T[] }>) found.push(...part);
  return found;
}

const stats = (given: Partial<NatAddressStats>): NatAddressStats => ({
  ...{ port: 40, pool: 1, address: '192.0.2.8', ports: 1000, blocked: 512, tcp: 7, udp: 5, icmp: 1, host: false, exhausted: 3 },
  ...given,
});

test('a router with a pool, and a floating IP, become rows; the objects say so', async (t) => {
  const running = await started(t);
  t.deepEqual(tables(running), ['nexthop']);
  const out = pool('out', ['192.0.2.8']);
  t.deepEqual((await running.write([out])).refusals, []);
  t.like(running.kernel.status(keyOf(out)), { phase: 'Active', uplink: 'world', id: 1, reason: '' });
  await running.put(router('r', ['red'], 'out'));
  const web = ip('web', '192.0.2.9', 'vm1');
  t.deepEqual((await running.write([web])).refusals, []);
  t.deepEqual(running.kernel.status(keyOf(web)), { phase: 'Active', uplink: 'world', inside: '10.1.0.11', reason: '' });
  t.deepEqual(tables(running), ['floating_ip', 'nat_address', 'nexthop', 'route', 'vrf_nat']);
  await running.remove(keyOf(web));
  await running.put(router('r', ['red']));
  t.deepEqual(tables(running), ['nat_address', 'nexthop']);
});

test('an address in no subnet stays behind its uplink when a second one comes, also over a restart', async (t) => {
  const [web, out] = [ip('web', '203.0.113.9', 'vm1'), pool('out', ['203.0.113.8'])];
  const running = await started(t);
  t.deepEqual((await running.write([out, web])).refusals, []);
  const statusOf = (of: TestPlugin, object: WeftObject<object, object>) => ({ ...object, status: of.kernel.status(keyOf(object)) ?? {} });
  const second = uplink('a-second', 1, ['203.0.113.2/24'], ['203.0.113.1']);
  const third = uplink('third', 2, ['198.51.100.2/24']);
  await running.put(third);
  await running.put(second);
  const places = (of: TestPlugin) =>
    of.forwarder.rows().flatMap((row) => ('port' in row && 'address' in row ? [`${row.table} ${row.port}`] : []));
  for (const object of [web, out]) t.like(running.kernel.status(keyOf(object)), { phase: 'Active', uplink: 'world', reason: '' });
  t.deepEqual(places(running).sort(), ['floating_ip 40', 'nat_address 40']);
  const again = await started(t, { objects: [second, third, statusOf(running, web), statusOf(running, out)] });
  for (const object of [web, out]) t.like(again.kernel.status(keyOf(object)), { phase: 'Active', uplink: 'world', reason: '' });
  t.deepEqual(places(again).sort(), ['floating_ip 40', 'nat_address 40']);
});

test('while the forwarder is away a change is Pending, and made when it is back', async (t) => {
  const running = await started(t);
  running.forwarderAway();
  const web = ip('web', '192.0.2.9', 'vm1');
  await running.write([web]);
  t.like(running.kernel.status(keyOf(web)), { phase: 'Pending', reason: 'the forwarder does not have it yet' });
  await running.forwarderBack();
  await running.until(() => running.kernel.status(keyOf(web))?.phase === 'Active');
  t.is(running.forwarder.rows('floating_ip').length, 1);
});

test('a plugin that starts again goes on with the log', async (t) => {
  const stateDir = mkdtempSync(join(tmpdir(), 'weft-snat-'));
  t.teardown(() => rmSync(stateDir, { recursive: true, force: true }));
  const first = await startPlugin(plugin, { objects: base, stateDir });
  first.forwarder.nat.blocks = [event(1)];
  first.forwarder.nat.events = [event(1)];
  await first.until(() => existsSync(join(stateDir, 'blocks')));
  await collect(first.operationStream('log', { since: '2026-01-01' }));
  await first.stop();
  const second = prepared(t, { stateDir, objects: base });
  second.forwarder.nat.events = [event(1), event(2, { event: 'released' })];
  await second.begin();
  const items = await collect<{ event: string; port: string }>(second.operationStream('log', { since: '2026-01-01', port: 'vm1' }));
  t.deepEqual(
    items.map(({ event: what, port: name }) => `${what} ${name}`),
    ['assigned vm1', 'released vm1'],
  );
});

test('who has which outside ports, in this project and in all', async (t) => {
  const running = await started(t, { objects: [network('p/red', 2), port('p/vm', 13, ['10.1.0.13'])] });
  running.forwarder.nat.blocks = [
    event(1),
    event(2, { first: 2048, last: 2559, insidePort: 13 }),
    event(3, { first: 4096, last: 4607, insidePort: 99 }),
  ];
  const nat = (input: object, project?: string) =>
    collect<{ project: string; port: string; first: number }>(running.operationStream('nat', input, project));
  t.deepEqual(await nat({}), [
    { project: 'default', port: 'vm1', address: '192.0.2.8', first: 1024, last: 1535, since: '2026-01-02T00:00:01.000Z' },
  ] as never);
  t.deepEqual(
    (await nat({}, '-')).map(({ port: name }) => name),
    ['vm1', 'vm', '(port 99, no object)'],
  );
  t.deepEqual(await nat({ port: 'vm2' }), []);
  await t.throwsAsync(nat({ port: 'vm9' }), { message: /no Port vm9/ });
});

test('how much of the pools is in use, as a table and as metrics', async (t) => {
  const running = await started(t, { objects: [pool('out', ['192.0.2.8', '192.0.2.10'], {}, 1)] });
  running.forwarder.nat.addresses = [stats({}), stats({ address: '192.0.2.10', blocked: 0, tcp: 1 }), stats({ pool: 77 })];
  const { items } = (await running.operation('pools')) as { items: object[] };
  t.deepEqual(items[0], {
    ...{ project: 'default', pool: 'out', uplink: 'world', address: '192.0.2.8', ports: 1000, blocked: 512 },
    ...{ tcp: 7, udp: 5, icmp: 1, exhausted: 3 },
  });
  t.is(items.length, 2);
  t.deepEqual(await running.operation('pools', {}, 'p'), { items: [] });
  const metrics = await running.metrics();
  t.regex(metrics, /weft_snat_ports\{pool="default\/out"\} 2000/);
  t.regex(metrics, /weft_snat_blocked_ports\{pool="default\/out"\} 512/);
  t.regex(metrics, /weft_snat_used_ports\{pool="default\/out",protocol="tcp"\} 8/);
  t.regex(metrics, /weft_snat_exhausted_total\{pool="default\/out"\} 6/);
});

test('a port that finds no outside port, and a pool that is nearly used up, are alarms', async (t) => {
  const running = await started(t, { objects: [pool('out', ['192.0.2.8'], {}, 1)] });
  running.forwarder.nat.events = [event(1, { event: 'exhausted', first: 0, last: 0, protocol: 17 })];
  running.forwarder.nat.addresses = [stats({ blocked: 950 })];
  await running.until(() => running.kernel.alarms.has('exhausted.11'));
  t.like(running.kernel.alarms.get('exhausted.11'), { severity: 'warning', subject: 'Port/default/vm1' });
  await running.operation('pools');
  await running.until(() => running.kernel.alarms.has('pool-low.1'));
  t.is(running.kernel.alarms.get('pool-low.1')?.subject, 'SnatPool/default/out');
  running.forwarder.nat.addresses = [stats({ blocked: 100 })];
  await running.operation('pools');
  await running.until(() => !running.kernel.alarms.has('pool-low.1'));
});

test('an alarm that an earlier life has left is known', async (t) => {
  const left = makeObject('Alarm', 'snat.pool-low.1', {}, { project: null, status: {} });
  const running = prepared(t, { objects: [...base, left, pool('out', ['192.0.2.8'], {}, 1)] });
  running.kernel.alarms.set('pool-low.1', { severity: 'warning', subject: '', text: '' });
  running.forwarder.nat.addresses = [stats({ blocked: 10 })];
  await running.begin();
  await running.until(() => !running.kernel.alarms.has('pool-low.1'));
  t.pass();
});

test('who had an outside port at a time is answered to whom it concerns', async (t) => {
  const running = await started(t);
  running.forwarder.nat.blocks = [event(1), event(2, { first: 2048, last: 2559, insidePort: 12 })];
  running.forwarder.nat.events = [event(1), event(2, { first: 2048, last: 2559, insidePort: 12 })];
  const log = (input: object, project?: string) => collect(running.operationStream('log', input, project));
  const at = { address: '192.0.2.8', l4Port: 1100, at: '2026-01-02T00:10:00Z' };
  t.deepEqual(await log(at), [
    {
      ...{ time: '2026-01-02T00:10:00.000Z', event: 'held', project: 'default', port: 'vm1', id: 11 },
      ...{ address: '192.0.2.8', first: 1024, last: 1535, since: '2026-01-02T00:00:01.000Z' },
    },
  ]);
  t.deepEqual(await log(at, 'p'), []);
  t.is((await log(at, '-')).length, 1);
  t.is((await log({ ...at, port: 'vm1' })).length, 1);
  t.deepEqual(await log({ ...at, port: 'vm2' }), []);
  t.deepEqual(await log({ ...at, l4Port: 9999 }), []);
  t.is((await log({ since: '2026-01-02', address: '192.0.2.8', l4Port: 2100 })).length, 1);
  for (const [input, message] of [
    [{ at: at.at }, /at asks who had an outside port/],
    [{ l4Port: 5 }, /an outside port is one of an address/],
    [{ address: '192.0.2' }, /address: "192.0.2" is no IP address/],
    [{ since: 'yesterday' }, /since: "yesterday" is no time/],
    [{ ...at, at: '2020-01-01' }, /the block log begins at 2026-01-02T00:00:01.000Z/],
  ] as const)
    await t.throwsAsync(log(input), { message });
});

test('that all blocks ended, or that lines are missing, is told to every project', async (t) => {
  const running = await started(t);
  running.forwarder.nat.blocks = [event(9)];
  running.forwarder.nat.events = [event(9)];
  const events = async (project: string, input: object = { since: '2026-01-01' }) =>
    (await collect<{ event: string }>(running.operationStream('log', input, project))).map(({ event: what }) => what);
  t.deepEqual(await events('default'), ['lost', 'assigned']);
  t.deepEqual(await events('p'), ['lost']);
  running.forwarder.nat.events = [];
  running.forwarder.nat.blocks = [];
  t.deepEqual(await events('p'), ['lost', 'restarted']);
  t.deepEqual(await events('default', { since: '2026-01-01', port: 'vm1' }), ['lost', 'assigned', 'restarted']);
});
