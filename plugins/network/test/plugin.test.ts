import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { portFlags } from '@weft/kernel/contract/net';
import type { FieldError } from '@weft/kernel/contract/system';
import { makeObject, startPlugin, TestPlugin } from '@weft/kernel/sdk/testing';
import test, { type ExecutionContext } from 'ava';
import definition from '../index.ts';
import { LastNumber } from '../last-number.ts';
import { port } from './store.ts';

const red = makeObject('VirtualNetwork', 'red', { subnets: [{ cidr: '10.1.0.0/24', dhcp: true }], forwarding: 'l2_l3' });
const portObject = (name: string, spec: Record<string, unknown> = {}) =>
  makeObject('Port', name, { portSecurity: true, binding: { type: 'none' }, ...port(name, spec).spec });

async function started(t: ExecutionContext): Promise<TestPlugin> {
  const plugin = await startPlugin(definition);
  t.teardown(() => plugin.stop());
  return plugin;
}

const key = (kind: string, name: string) => ({ kind, project: 'default', name });

test('an apply becomes numbers, rows and phases', async (t) => {
  const plugin = await started(t);
  t.deepEqual((await plugin.write([red, portObject('web1')])).refusals, []);
  t.like(plugin.kernel.status(key('VirtualNetwork', 'red')), { id: 1, vni: 5001, phase: 'Active', gateways: ['10.1.0.1'] });
  t.like(plugin.kernel.status(key('Port', 'web1')), { id: 1, phase: 'Pending', addresses: ['10.1.0.2'] });
  t.is(plugin.forwarder.rows('port').length, 1);
  await plugin.ports([{ id: 1 }]);
  t.like(plugin.kernel.status(key('Port', 'web1')), { phase: 'Active', reason: '' });
  await plugin.ports([{ id: 1, state: 'down', reason: 'peer is down' }]);
  t.like(plugin.kernel.status(key('Port', 'web1')), { phase: 'Down', reason: 'peer is down' });
});

test('an object that goes while the plugin starts leaves no row', async (t) => {
  const network = { ...red, status: { id: 1, vni: 5001, mtu: 1500, gateways: ['10.1.0.1'] } };
  const plugin = new TestPlugin(definition as never, { objects: [network] });
  t.teardown(() => plugin.stop());
  plugin.forwarder.refuse = () => {
    plugin.kernel.remove(key('VirtualNetwork', 'red'));
    return null;
  };
  await plugin.begin();
  t.deepEqual(plugin.forwarder.rows(), []);
});

test('a deleted port leaves no row, and the next one has another number, also after a restart', async (t) => {
  const plugin = await started(t);
  await plugin.write([red]);
  const rows = plugin.forwarder.rows().length;
  await plugin.write([portObject('a')]);
  await plugin.ports([{ id: 1 }]);
  await plugin.write([], [key('Port', 'a')]);
  t.is(plugin.forwarder.rows().length, rows);
  await plugin.write([portObject('b')]);
  t.is(plugin.kernel.status(key('Port', 'b'))?.id, 2);
  await plugin.write([], [key('Port', 'b')]);
  await plugin.settle();
  const stateDir = mkdtempSync(join(tmpdir(), 'weft-network-'));
  t.teardown(() => rmSync(stateDir, { recursive: true }));
  const kept = new LastNumber(stateDir);
  kept.keep(2);
  await new Promise(setImmediate);
  const again = await startPlugin(definition, { stateDir });
  t.teardown(() => again.stop());
  await again.write([red, portObject('c')]);
  t.is(again.kernel.status(key('Port', 'c'))?.id, 3);
  await again.settle();
  t.is(new LastNumber(stateDir).value, 3);
});

test('a refused apply names object, field and fix, and changes nothing', async (t) => {
  const plugin = await started(t);
  await plugin.write([red]);
  const rows = plugin.forwarder.rows().length;
  const { refusals } = await plugin.write([portObject('a', { addresses: ['10.7.0.1'] })]);
  const expected: FieldError = {
    object: 'Port/default/a',
    pointer: '/spec/addresses/0',
    message: '10.7.0.1 is in no subnet of the network',
    fix: 'choose an address from 10.1.0.0/24',
  };
  t.deepEqual(refusals, [expected]);
  t.is(plugin.forwarder.rows().length, rows);
});

test('a restarted plugin publishes what is there, before it is ready, and writes no status again', async (t) => {
  const first = await started(t);
  await first.write([red, portObject('a'), portObject('b')]);
  await first.ports([{ id: 1 }, { id: 2 }]);
  const objects = [...first.kernel.objects.values()];
  const second = await startPlugin(definition, { objects, ports: [{ id: 1 }, { id: 2 }] });
  t.teardown(() => second.stop());
  const sorted = (plugin: TestPlugin) =>
    plugin.forwarder
      .rows()
      .map((row) => JSON.stringify(row))
      .sort();
  t.deepEqual(sorted(second), sorted(first));
  t.is(second.kernel.revision, objects.length);
});

test('a forwarder that comes back gets everything, and phases follow it', async (t) => {
  const plugin = await started(t);
  await plugin.write([red, portObject('a')]);
  await plugin.ports([{ id: 1 }]);
  plugin.forwarderAway();
  plugin.forwarder.ports.set(1, { id: 1, generation: 2, slot: 1, state: 'pending', mac: '00:00:00:00:00:00', reason: 'being made' });
  await plugin.forwarderBack();
  await plugin.until(() => plugin.kernel.status(key('Port', 'a'))?.phase === 'Pending');
  await plugin.ports([{ id: 1, generation: 2 }]);
  t.is(plugin.kernel.status(key('Port', 'a'))?.phase, 'Active');
});

test('operations answer with names', async (t) => {
  const plugin = await started(t);
  await plugin.write([red, portObject('a')]);
  plugin.forwarder.drops = [{ port: 1, reason: 'spoofed-mac', packets: 3, bytes: 180 }];
  t.deepEqual(await plugin.operation('drops'), {
    items: [{ project: 'default', port: 'a', kind: 'Port', reason: 'spoofed-mac', packets: 3, bytes: 180 }],
  });
  const routes = (await plugin.operation('routes', { network: 'red' })) as { items: unknown[] };
  t.is(routes.items.length, 2);
  t.deepEqual(await plugin.operation('stats'), { items: [] });
  await t.throwsAsync(plugin.operation('routes', { network: 'nope' }), { message: /no VirtualNetwork nope in project default/ });
});

test('ports ask for rules while the plugin policy is installed, whether it runs or not', async (t) => {
  for (const installed of [[], ['policy']]) {
    const plugin = await startPlugin(definition, { installed });
    t.teardown(() => plugin.stop());
    await plugin.write([red, portObject('a'), portObject('b', { portSecurity: false })]);
    const flags = plugin.forwarder.rows('port').map(({ flags: each }) => each & portFlags.policyRequired);
    t.deepEqual(flags, installed.length > 0 ? [portFlags.policyRequired, 0] : [0, 0]);
  }
});

test('security groups are read for their names only', async (t) => {
  const plugin = await started(t);
  await plugin.write([red, portObject('a')]);
  const { changes } = plugin.forwarder;
  await plugin.put(makeObject('SecurityGroup', 'web', { rules: [] }, { status: { id: 7 } }));
  t.is(plugin.forwarder.changes, changes);
  t.is(plugin.kernel.status(key('SecurityGroup', 'web'))?.phase, undefined);
});

test('a table of flows that is nearly full raises an alarm', async (t) => {
  const plugin = new TestPlugin(definition as never, { ports: [{ id: 1 }] });
  t.teardown(() => plugin.stop());
  plugin.forwarder.flows.stats = { ...plugin.forwarder.flows.stats, capacity: 100, used: 95 };
  await plugin.begin();
  await plugin.until(() => plugin.kernel.alarms.size > 0);
  t.regex(plugin.kernel.alarms.get('flow-table')?.text ?? '', /more than 90 %/);
});

test('an uplink becomes rows, takes its MAC address from the forwarder, and tells which gateways answer', async (t) => {
  const plugin = new TestPlugin(definition as never, { ports: [] });
  t.teardown(() => plugin.stop());
  const spec = { binding: { type: 'interface', interface: 'eth1' }, addresses: ['192.0.2.1/24'], gateways: ['192.0.2.254'] };
  const uplink = makeObject('Uplink', 'public', spec, { project: null });
  const at = { kind: 'Uplink', name: 'public' };
  const mac = '52:54:00:00:00:01';
  const answer = { table: 'uplink_neighbor', port: 1, address: '192.0.2.254', mac: '52:54:00:00:00:fe', generation: 1, silent: 0 } as const;
  await plugin.begin();
  plugin.forwarder.put([answer]);
  t.deepEqual((await plugin.write([uplink])).refusals, []);
  t.like(plugin.kernel.status(at), {
    id: 1,
    network: 1,
    phase: 'Pending',
    mac: '',
    gateways: [{ address: '192.0.2.254', reachable: false }],
  });
  t.is(plugin.forwarder.rows('gateway').length, 1);
  await plugin.ports([{ id: 1, mac }]);
  t.like(plugin.kernel.status(at), { phase: 'Active', mac });
  await plugin.until(() => JSON.stringify(plugin.kernel.status(at)?.gateways).includes('true'));
  t.like(await plugin.operation('trace', { from: 'public', to: '192.0.2.1', proto: 'icmp' }), { from: 'uplink public' });
  await plugin.disable();
  t.deepEqual(plugin.forwarder.rows('port'), []);
});

test('disabling sweeps every row', async (t) => {
  const plugin = await started(t);
  await plugin.write([red, portObject('a')]);
  await plugin.disable();
  t.deepEqual(plugin.forwarder.rows(), []);
});

test('a restarted plugin finds the places of ECMP groups in the forwarder', async (t) => {
  const pair = { allowedAddressPairs: [{ address: '10.1.0.100' }] };
  const first = await started(t);
  await first.write([red, portObject('a', pair), portObject('b', pair), portObject('c', pair)]);
  const middle = first.forwarder.rows('member').find(({ index }) => index === 1);
  const port = first.forwarder.rows('nexthop').find(({ id }) => id === middle?.nexthop)?.port ?? 0;
  await first.write([], [key('Port', ['', 'a', 'b', 'c'][port] ?? '')]);
  const before = first.forwarder.rows();
  t.deepEqual(first.forwarder.rows('member').map(({ index }) => index).sort(), [0, 2]); // biome-ignore format: one line
  const objects = [...first.kernel.objects.values()];
  const again = new TestPlugin(definition as never, { objects });
  t.teardown(() => again.stop());
  again.forwarder.put(before);
  await again.begin();
  const text = (rows: readonly object[]) => rows.map((row) => JSON.stringify(row)).sort();
  t.deepEqual(text(again.forwarder.rows()), text(before));
  t.is(again.forwarder.changes, 0);
});
