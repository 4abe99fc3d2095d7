import { type Row, type RowKey, rowId } from '@weft/kernel/contract/net';
import { formatKey, type ObjectKey, type WeftObject } from '@weft/kernel/contract/system';
import type { RowSet } from '@weft/kernel/sdk';
import test from 'ava';
import * as fc from 'fast-check';
import { sound, stepsArbitrary } from '../test/arbitrary.ts';
import { keyOfWanted, network, port, router, Store, trunk } from '../test/store.ts';
import { Programmer } from './programmer.ts';

/** A forwarder that keeps rows and refuses what cannot be packed. */
class Table implements RowSet {
  readonly rows = new Map<string, Row>();
  changes = 0;

  replace(rows: readonly Row[]): Promise<void> {
    this.rows.clear();
    return this.update(rows, []);
  }

  update(upserts: readonly Row[], deletes: readonly RowKey[]): Promise<void> {
    for (const key of deletes) if (!this.rows.delete(rowId(key))) throw new Error(`${rowId(key)} is not there`);
    for (const row of upserts) this.rows.set(rowId(row), row);
    this.changes += upserts.length + deletes.length;
    return Promise.resolve();
  }

  list(): Row[] {
    return [...this.rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
  }

  of<Name extends Row['table']>(table: Name): Extract<Row, { table: Name }>[] {
    return this.list().filter((row): row is Extract<Row, { table: Name }> => row.table === table);
  }
}

async function programmed(store: Store): Promise<{ table: Table; programmer: Programmer }> {
  const table = new Table();
  const programmer = new Programmer(store, table, 1500);
  await programmer.replace();
  return { table, programmer };
}

function redSite(): Store {
  const store = new Store();
  store.apply([
    network('red', { cidr: '10.1.0.0/24', routes: [{ prefix: '10.9.0.0/16', nextHop: '10.1.0.11' }] }),
    port('web1', { addresses: ['10.1.0.11'], mac: '02:00:00:00:00:11', binding: { type: 'netns', netns: 'vm1', interface: 'eth0' } }),
  ]);
  return store;
}

test('a network and its port become the rows that forward them', async (t) => {
  const { table } = await programmed(redSite());
  const mac = '02:00:00:00:00:11';
  t.deepEqual(table.of('vrf'), [{ table: 'vrf', id: 1 }]);
  t.deepEqual(table.of('bridge'), [{ table: 'bridge', id: 1, vrf: 1, vni: 5001, mode: 2, flags: 0, mtu: 1500 }]);
  t.deepEqual(table.of('port'), [
    { table: 'port', id: 1, bridge: 1, parent: 0, flags: 1, mac, mtu: 1500, vlan: 0, binding: 2, interface: 'eth0', netns: 'vm1' },
  ]);
  t.deepEqual(table.of('mac'), [{ table: 'mac', bridge: 1, mac, port: 1 }]);
  t.deepEqual(table.of('neighbor'), [
    { table: 'neighbor', bridge: 1, address: '10.1.0.1', mac: '00:00:5e:00:01:00', flags: 1 },
    { table: 'neighbor', bridge: 1, address: '10.1.0.11', mac, flags: 0 },
  ]);
  const routes = table.of('route').map(({ address, prefixLength, source, nexthop }) => `${address}/${prefixLength} ${source} ${nexthop}`);
  t.deepEqual(routes.sort(), ['10.1.0.0/24 10 2', '10.1.0.11/32 10 3', '10.9.0.0/16 20 3']);
  t.deepEqual(table.of('nexthop'), [
    { table: 'nexthop', id: 2, type: 1, port: 0, bridge: 1, mac: '00:00:00:00:00:00' },
    { table: 'nexthop', id: 3, type: 1, port: 1, bridge: 1, mac },
  ]);
});

test('a VLAN port names its trunk, and the trunk belongs to no network', async (t) => {
  const store = redSite();
  store.apply([
    trunk('trunk0', { type: 'interface', interface: 'eth9' }),
    port('v', { portSecurity: false, binding: { type: 'vlan', parent: 'trunk0', vlan: 101 } }),
  ]);
  const { table } = await programmed(store);
  t.like(table.of('port')[1], { id: 2, bridge: 0, flags: 4, binding: 1, interface: 'eth9' });
  t.like(table.of('port')[2], { id: 3, parent: 2, vlan: 101, flags: 0, binding: 3, interface: '' });
});

test('a router leaks hosts and subnets of its networks into each other, and takes them back', async (t) => {
  const store = redSite();
  store.apply([network('blue', '10.2.0.0/24'), port('db', { network: 'blue' })]);
  const { table, programmer } = await programmed(store);
  const without = table.list();
  store.apply([router('r', 'red', 'blue')]);
  await programmer.update([keyOfWanted(router('r'))]);
  const leaked = table.of('route').filter(({ source }) => source === 30);
  t.deepEqual(leaked.map(({ vrf, address, prefixLength, nexthop }) => `${vrf}: ${address}/${prefixLength} ${nexthop}`).sort(), [
    '1: 10.2.0.0/24 4',
    '1: 10.2.0.2/32 5',
    '2: 10.1.0.0/24 2',
    '2: 10.1.0.11/32 3',
  ]);
  store.apply([port('db2', { network: 'blue' })]);
  await programmer.update([keyOfWanted(port('db2'))]);
  t.true(table.of('route').some(({ vrf, address }) => vrf === 1 && address === '10.2.0.3'));
  store.apply([], [keyOfWanted(router('r')), keyOfWanted(port('db2'))]);
  await programmer.update([keyOfWanted(router('r')), keyOfWanted(port('db2'))]);
  t.deepEqual(table.list(), without);
});

test('a change of one port touches only its rows', async (t) => {
  const store = redSite();
  store.apply(Array.from({ length: 200 }, (_, index) => port(`p${index}`)));
  const { table, programmer } = await programmed(store);
  table.changes = 0;
  store.apply([port('p7', { portSecurity: false })]);
  await programmer.update([keyOfWanted(port('p7'))]);
  t.is(table.changes, 1);
  await programmer.update([keyOfWanted(port('p7')), keyOfWanted(network('red'))]);
  t.is(table.changes, 1);
});

test('an address that moves between ports survives news in any order', async (t) => {
  for (const order of [
    [0, 1],
    [1, 0],
  ]) {
    const store = redSite();
    const { table, programmer } = await programmed(store);
    const heir = port('heir', { addresses: ['10.1.0.11'], mac: '02:00:00:00:00:11' });
    store.apply([heir], [keyOfWanted(port('web1'))]);
    const keys = [keyOfWanted(port('web1')), keyOfWanted(heir)];
    for (const index of order) await programmer.update(keys.slice(index, index + 1));
    t.deepEqual(table.list(), (await programmed(store)).table.list());
  }
});

test('numbers are held from before a row is sent until its removal is published', async (t) => {
  const store = redSite();
  const { programmer } = await programmed(store);
  t.deepEqual([...programmer.ports, ...programmer.vrfs], [1, 1]);
  store.apply([], [keyOfWanted(port('web1'))]);
  const update = programmer.update([keyOfWanted(port('web1'))]);
  t.deepEqual([...programmer.ports], [1]);
  await update;
  t.deepEqual([...programmer.ports], []);
});

test('random changes, told piecemeal, lead to the rows that a fresh start would send', async (t) => {
  await fc.assert(
    fc.asyncProperty(stepsArbitrary, async (steps) => {
      const store = new Store();
      const { table, programmer } = await programmed(store);
      for (const step of steps) {
        const { apply, remove } = sound(store, step);
        const before = new Map(store.objects);
        store.apply(apply, remove.map(keyOfWanted));
        const changed = [...new Set([...before.keys(), ...store.objects.keys()])].filter(
          (key) => before.get(key) !== store.objects.get(key),
        );
        await programmer.update(changed.map(parseKey));
      }
      t.deepEqual(table.list(), (await programmed(store)).table.list());
    }),
    { numRuns: 100, seed: 3 },
  );
});

test('objects that become known one by one, in any order, lead to the same rows', async (t) => {
  await fc.assert(
    fc.asyncProperty(stepsArbitrary, fc.infiniteStream(fc.nat()), async (steps, random) => {
      const whole = new Store();
      for (const step of steps) whole.apply(sound(whole, step).apply);
      const store = new Store();
      const { table, programmer } = await programmed(store);
      const objects = [...whole.objects];
      while (objects.length > 0) {
        const [[key, object]] = objects.splice(random.next().value % objects.length, 1) as [[string, WeftObject]];
        store.objects.set(key, object);
        await programmer.update([parseKey(key)]);
      }
      t.deepEqual(table.list(), (await programmed(whole)).table.list());
    }),
    { numRuns: 100, seed: 5 },
  );
});

function parseKey(text: string): ObjectKey {
  const [kind = '', project = '', name = ''] = text.split('/');
  const key = { kind, project, name };
  if (formatKey(key) !== text) throw new Error(`${text} is no key`);
  return key;
}
