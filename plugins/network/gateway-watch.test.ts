import type { UplinkNeighborRow } from '@weft/kernel/contract/net';
import type { ObjectKey } from '@weft/kernel/contract/system';
import test from 'ava';
import { GatewayWatch } from './gateway-watch.ts';
import { network, Store, uplink } from './test/store.ts';

const generation = 4;

function site(generations: ReadonlyMap<number, number> = new Map([[1, generation]])) {
  const store = new Store();
  store.apply([network('red', '10.1.0.0/24'), uplink('public', { gateways: ['192.0.2.254', '192.0.2.253'] })]);
  const world = {
    rows: [] as UplinkNeighborRow[],
    reads: 0,
    writes: [] as unknown[],
    alarms: [] as (readonly [string, string, string] | null)[],
  };
  const watch = new GatewayWatch(
    {
      objects: store,
      forwarder: {
        rows: (): Promise<never> => {
          world.reads += 1;
          return Promise.resolve(world.rows as never);
        },
      },
      setStatus: (updates: readonly { key: ObjectKey; status: Record<string, unknown> }[]) => {
        for (const { key, status } of updates) store.setStatus(key, status);
        world.writes.push(...updates.map(({ status }) => status));
        return Promise.resolve();
      },
      alarm: (key, alarm) => {
        world.alarms.push(alarm && [key, alarm.severity, alarm.text]);
        return Promise.resolve();
      },
    },
    generations,
  );
  return { store, world, watch };
}

const row = (address: string, fields: Partial<UplinkNeighborRow> = {}): UplinkNeighborRow => ({
  ...{ table: 'uplink_neighbor', port: 1, address, mac: '02:00:00:00:00:fe', generation, silent: 0 },
  ...fields,
});
const reachable = (...values: readonly boolean[]) => ({
  gateways: ['192.0.2.254', '192.0.2.253'].map((address, at) => ({ address, reachable: values[at] })),
});

test('a gateway that answers is reachable, and nothing is written twice', async (t) => {
  const { world, watch } = site();
  await watch.look();
  t.deepEqual(world.writes, []);
  world.rows = [row('192.0.2.254'), row('192.0.2.253')];
  await watch.look();
  await watch.look();
  t.deepEqual(world.writes, [reachable(true, true)]);
  t.deepEqual(world.alarms, [null], 'what stands from before is cleared, once');
});

for (const [what, given] of [
  ['another port', { port: 2 }],
  ['an earlier port with this number', { generation: generation - 1 }],
  ['one that has never answered', { mac: '00:00:00:00:00:00' }],
  ['one that does not answer any more', { silent: 1 }],
] as const)
  test(`what is not an answer of the gateway: ${what}`, async (t) => {
    const { world, watch } = site();
    world.rows = [row('192.0.2.254'), row('192.0.2.253', given)];
    await watch.look();
    t.deepEqual(world.writes, [reachable(true, false)]);
  });

test('one silent gateway is a warning, all of them are critical, and both end', async (t) => {
  const { world, watch } = site();
  const both = [row('192.0.2.254'), row('192.0.2.253')];
  world.rows = both;
  await watch.look();
  world.rows = [row('192.0.2.254')];
  await watch.look();
  t.is(world.alarms.length, 1, 'silent once');
  await watch.look();
  t.deepEqual(world.alarms[1]?.slice(0, 2), ['uplink-gateways', 'warning']);
  t.regex(world.alarms[1]?.[2] ?? '', /do not answer ARP or neighbour discovery: 192\.0\.2\.253 of uplink public\. See/);
  world.rows = [];
  await watch.look();
  await watch.look();
  t.deepEqual(world.alarms[2]?.slice(0, 2), ['uplink-gateways', 'critical']);
  await watch.look();
  world.rows = both;
  await watch.look();
  t.deepEqual(world.alarms.slice(3), [null]);
});

test('without an uplink that has gateways the forwarder is not asked', async (t) => {
  const { store, world, watch } = site();
  store.apply([uplink('public', { gateways: [] })]);
  await watch.look();
  t.deepEqual([world.reads, world.writes], [0, []]);
});

test('after a start nothing is said before it is known', async (t) => {
  const ports = new Map<number, number>();
  const { store, world, watch } = site(ports);
  store.setStatus({ kind: 'Uplink', name: 'public' }, reachable(true, false));
  world.rows = [row('192.0.2.254')];
  await watch.look();
  t.deepEqual([world.writes, world.alarms], [[], []], 'the forwarder has not told its ports');
  ports.set(1, generation);
  await watch.look();
  t.deepEqual([world.writes, world.alarms], [[], []], 'the alarm from before stands');
  await watch.look();
  t.deepEqual([world.writes, world.alarms.map((alarm) => alarm?.[1])], [[], ['warning']]);
});

test('the last gateway that answers is taken away', async (t) => {
  const { store, world, watch } = site();
  world.rows = [row('192.0.2.254')];
  await watch.look();
  await watch.look();
  store.apply([uplink('public', { gateways: ['192.0.2.253'] })]);
  await watch.look();
  t.deepEqual(
    world.alarms.map((alarm) => alarm?.[1]),
    ['warning', 'critical'],
  );
  store.apply([], [{ kind: 'Uplink', name: 'public' }]);
  await watch.look();
  t.is(world.alarms.at(-1), null);
});
