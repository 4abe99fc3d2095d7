import { nexthopTypes, type Port } from '@weft/kernel/contract/net';
import { formatKey, type ObjectKey, type WeftObject } from '@weft/kernel/contract/system';
import test from 'ava';
import * as fc from 'fast-check';
import { type Step, sound, stepsArbitrary } from '../test/arbitrary.ts';
import { keyOfWanted, network, port, router, Store, settings, trunk } from '../test/store.ts';
import { Table } from '../test/table.ts';
import { Programmer } from './programmer.ts';

/** Nexthop rows of ports, and those of networks that reach nobody, have their object's number and this one. */
const toPort = 3 * 2 ** 28;
const unreachable = 2 * 2 ** 28;

async function programmed(store: Store, unitsAtOnce?: number, policy = false): Promise<{ table: Table; programmer: Programmer }> {
  const table = new Table();
  const programmer = new Programmer(store, table, { ...settings, policy }, unitsAtOnce);
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
  t.deepEqual(table.of('bridge'), [{ table: 'bridge', id: 1, vrf: 1, vni: 5001, mode: 2, flags: 0, mtu: 1500, floodRate: 1000 }]);
  t.deepEqual(table.of('port'), [
    {
      ...{ table: 'port', id: 1, bridge: 1, parent: 0, flags: 1, mac, mtu: 1500, vlan: 0 },
      ...{ binding: 2, interface: 'eth0', netns: 'vm1', socket: '' },
    },
  ]);
  t.deepEqual(table.of('source'), [{ table: 'source', port: 1, prefixLength: 32, mac, address: '10.1.0.11' }]);
  t.deepEqual(table.of('mac'), [{ table: 'mac', bridge: 1, mac, port: 1 }]);
  t.deepEqual(table.of('neighbor'), [
    { table: 'neighbor', bridge: 1, address: '10.1.0.1', mac: '00:00:5e:00:01:00', flags: 1 },
    { table: 'neighbor', bridge: 1, address: '10.1.0.11', mac, flags: 0 },
  ]);
  const routes = table.of('route').map(({ address, prefixLength, source, nexthop }) => `${address}/${prefixLength} ${source} ${nexthop}`);
  t.deepEqual(routes.sort(), ['10.1.0.0/24 10 1', `10.1.0.11/32 10 ${toPort + 1}`, `10.9.0.0/16 20 ${toPort + 1}`]);
  const none = { table: 'nexthop', port: 0, bridge: 0, mac: '00:00:00:00:00:00', flags: 0, size: 0, target: 0, puntClass: 0 } as const;
  t.deepEqual(table.of('nexthop'), [
    { ...none, id: 1, type: 1, bridge: 1 },
    { ...none, id: unreachable + 1, type: 2 },
    { ...none, id: toPort + 1, type: 1, port: 1, bridge: 1, mac },
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

/** Flags of the row and the addresses that are the port's own. */
const policySite = [
  ['an ordinary port', {}, 3, 1, ['10.1.0.2']],
  ['one with a group', { securityGroups: ['web'] }, 3, 1, ['10.1.0.2']],
  ['one with a group and without security', { portSecurity: false, securityGroups: ['web'] }, 2, 0, ['10.1.0.2']],
  ['one without both', { portSecurity: false }, 0, 0, []],
  ['one with an empty list and without security', { portSecurity: false, securityGroups: [] }, 0, 0, []],
] as const;

for (const [what, spec, flags, without, sources] of policySite)
  test(`whether rules are asked: ${what}`, async (t) => {
    const store = new Store();
    store.apply([network('red', '10.1.0.0/24'), port('p', spec)]);
    for (const [policy, wanted] of [
      [true, flags],
      [false, without],
    ] as const) {
      const { table } = await programmed(store, undefined, policy);
      t.is(table.of('port')[0]?.flags, wanted);
      t.deepEqual(
        table.of('source').map(({ address }) => address),
        [...sources],
      );
    }
  });

test('a port that gets its first group asks for rules from then on', async (t) => {
  const store = new Store();
  store.apply([network('red', '10.1.0.0/24'), port('p', { portSecurity: false })]);
  const { table, programmer } = await programmed(store, undefined, true);
  for (const [securityGroups, flags] of [
    [['web'], 2],
    [[], 0],
  ] as const) {
    store.apply([port('p', { portSecurity: false, securityGroups })]);
    await programmer.update([keyOfWanted(port('p'))]);
    t.is(table.of('port')[0]?.flags, flags);
    t.is(table.of('source').length, flags / 2);
  }
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
    '1: 10.2.0.0/24 2',
    `1: 10.2.0.2/32 ${toPort + 2}`,
    '2: 10.1.0.0/24 1',
    `2: 10.1.0.11/32 ${toPort + 1}`,
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
  t.is(table.changes, 2, 'the port row, and the address that it need not keep to any more');
  await programmer.update([keyOfWanted(port('p7')), keyOfWanted(network('red'))]);
  t.is(table.changes, 2);
});

function tenant(spec: Record<string, unknown>): Store {
  const store = new Store();
  const subnets = [{ cidr: '10.1.0.0/24' }, { cidr: '2001:db8:1::/64' }];
  store.apply([{ ...network('red'), spec: { subnets, ...spec } }]);
  return store;
}

test('a network has a subnet of each family, and VMs may choose addresses in the one with slaac', async (t) => {
  const store = tenant({
    subnets: [{ cidr: '2001:db8:1::/64', slaac: true }, { cidr: '10.1.0.0/24' }],
    floodRate: 0,
    unknownUnicast: 'flood',
  });
  store.apply([port('a')]);
  const { table } = await programmed(store);
  t.like(table.of('bridge')[0], { floodRate: 0, flags: 1 });
  const flagsOf = new Map(table.of('nexthop').map(({ id, flags }) => [id, flags]));
  t.deepEqual(
    table.of('route').map(({ address, prefixLength, nexthop }) => `${address}/${prefixLength} ${flagsOf.get(nexthop)}`).sort(), // biome-ignore format: one line
    ['10.1.0.0/24 0', '10.1.0.2/32 0', '2001:db8:1::/64 1', '2001:db8:1::2/128 0'],
  );
  t.deepEqual(
    table.of('neighbor').map(({ address, flags }) => `${address} ${flags}`).sort(), // biome-ignore format: one line
    ['10.1.0.1 1', '10.1.0.2 0', '2001:db8:1::1 1', '2001:db8:1::2 0'],
  );
});

test('a network that only bridges has no gateway and no routes, and one that only routes has both', async (t) => {
  for (const forwarding of ['l2', 'l3', 'l2_l3']) {
    const store = tenant({ forwarding });
    store.apply([port('a')]);
    const { table } = await programmed(store);
    const routed = forwarding !== 'l2';
    t.is(table.of('bridge')[0]?.mode, { l2: 0, l3: 1, l2_l3: 2 }[forwarding]);
    t.is(table.of('bridge')[0]?.vrf, 1, 'services are found by it');
    t.is(table.of('route').length, routed ? 4 : 0);
    t.is(table.of('nexthop').length, routed ? 2 : 0);
    t.is(table.of('neighbor').length, routed ? 4 : 2);
    t.is(table.of('source').length, 2);
  }
});

test('pairs may be sent from with their MAC address, and are routed to', async (t) => {
  const store = tenant({});
  const mac = '02:00:00:00:00:0a';
  const vmac = '00:00:5e:00:01:07';
  const pairs = [{ address: '10.1.0.100', mac: vmac.toUpperCase() }, { address: '2001:db8:9::/48' }, { address: 'fe80::100', mac: vmac }];
  store.apply([port('a', { mac, addresses: ['10.1.0.10'], allowedAddressPairs: pairs })]);
  const { table } = await programmed(store);
  t.deepEqual(
    table.of('source').map(({ address, prefixLength, mac: with_ }) => `${address}/${prefixLength} ${with_}`).sort(), // biome-ignore format: one line
    [`10.1.0.10/32 ${mac}`, `10.1.0.100/32 ${vmac}`, `2001:db8:9::/48 ${mac}`, `fe80::100/128 ${vmac}`],
  );
  const macOf = new Map(table.of('nexthop').map((row) => [row.id, row.mac]));
  t.deepEqual(
    table.of('route').filter(({ address }) => !/\.0$|:1::$/.test(address)).map(({ address, nexthop }) => `${address} ${macOf.get(nexthop)}`).sort(), // biome-ignore format: one line
    [`10.1.0.10 ${mac}`, `10.1.0.100 ${vmac}`, `2001:db8:9:: ${mac}`],
  );
  t.deepEqual(table.of('mac').map((row) => row.mac).sort(), [vmac, mac]); // biome-ignore format: one line
  t.deepEqual(table.of('neighbor').find(({ address }) => address === '10.1.0.100')?.mac, vmac);
  store.apply([port('a', { mac, addresses: ['10.1.0.10'], allowedAddressPairs: pairs, portSecurity: false })]);
  const open = (await programmed(store)).table;
  t.deepEqual([open.of('source').length, open.of('port')[0]?.flags, open.of('route').length], [0, 0, 5]);
});

test('ports with the same pair share its traffic, also that of their own subnet and of peers', async (t) => {
  const store = tenant({});
  const pair = { allowedAddressPairs: [{ address: '10.1.0.100' }] };
  store.apply([port('a', pair), port('b', pair), network('blue', '10.2.0.0/24'), router('r', 'red', 'blue')]);
  const { table, programmer } = await programmed(store);
  const groupOf = (vrf: number) => table.of('route').find((row) => row.vrf === vrf && row.address === '10.1.0.100')?.nexthop ?? 0;
  const placesOf = (vrf: number) => table.of('member').filter(({ group }) => group === groupOf(vrf)).map(({ index, nexthop }) => [index, nexthop - toPort]); // biome-ignore format: one line
  t.deepEqual(placesOf(1), [[0, 1], [1, 2]]); // biome-ignore format: a table
  t.deepEqual(placesOf(2), placesOf(1));
  const answer = () => table.of('neighbor').find(({ address }) => address === '10.1.0.100')?.mac;
  t.is(answer(), '00:00:5e:00:01:00');
  const group = groupOf(1);
  table.changes = 0;
  store.apply([], [keyOfWanted(port('a'))]);
  await programmer.update([keyOfWanted(port('a'))]);
  t.deepEqual([groupOf(1), placesOf(1)], [group, [[1, 2]]]);
  t.is(answer(), store.list<Port>('Port')[0]?.status.mac);
  t.true(table.changes < 20);
  store.apply([port('c', pair)]);
  await programmer.update([keyOfWanted(port('c'))]);
  t.deepEqual([groupOf(1), placesOf(1)], [group, [[0, 3], [1, 2]]], 'the hole is filled'); // biome-ignore format: a table
});

test('a port that has the address goes before pairs, unless it has no link', async (t) => {
  const store = tenant({});
  const binding = { type: 'interface', interface: 'eth1' };
  store.apply([port('vip', { addresses: ['10.1.0.100'] }), port('a', { allowedAddressPairs: [{ address: '10.1.0.100' }] })]);
  const { table, programmer } = await programmed(store);
  const holder = () => (table.of('route').find(({ address }) => address === '10.1.0.100')?.nexthop ?? 0) - toPort;
  t.is(holder(), 2);
  store.apply([port('vip', { addresses: ['10.1.0.100'], binding })]);
  await programmer.update([keyOfWanted(port('vip'))]);
  t.is(holder(), 1);
});

test('a pair as large as the subnet is no route to the subnet', async (t) => {
  const store = tenant({});
  store.apply([port('a', { allowedAddressPairs: [{ address: '10.1.0.0/24' }, { address: '10.1.0.128/25' }] })]);
  const { table } = await programmed(store);
  const nexthopOf = (length: number) => table.of('route').find(({ prefixLength }) => prefixLength === length)?.nexthop;
  t.deepEqual([nexthopOf(24), nexthopOf(25)], [1, toPort + 1]);
});

test('a static route leads nowhere until a port has its next hop', async (t) => {
  const store = tenant({ subnets: [{ cidr: '2001:db8:1::/64', routes: [{ prefix: '::/0', nextHop: '2001:DB8:1::9' }] }] });
  const { table, programmer } = await programmed(store);
  const typeOf = () => {
    const route = table.of('route').find(({ prefixLength }) => prefixLength === 0);
    return table.of('nexthop').find(({ id }) => id === route?.nexthop);
  };
  t.like(typeOf(), { type: nexthopTypes.blackhole });
  store.apply([port('gate', { addresses: ['2001:db8:1::9'] })]);
  await programmer.update([keyOfWanted(port('gate'))]);
  t.like(typeOf(), { type: nexthopTypes.port, port: 1 });
});

test('a VM over vhost-user, a tap, and a trunk as large as the networks on it', async (t) => {
  const store = new Store();
  store.apply([
    { ...network('jumbo', '10.3.0.0/24'), spec: { subnets: [{ cidr: '10.3.0.0/24' }], mtu: 9000 } },
    network('red', '10.1.0.0/24'),
    trunk('trunk0', { type: 'tap', interface: 'tap9' }),
    port('a', { binding: { type: 'vhost-user', socket: '/run/weft/a.sock', server: true } }),
    port('b', { binding: { type: 'vhost-user', socket: '/run/weft/b.sock' } }),
    port('c', { binding: { type: 'tap', interface: 'tap0' } }),
  ]);
  const { table, programmer } = await programmed(store);
  t.deepEqual(
    table.of('port').map(({ binding, interface: link, socket, flags, mtu }) => [binding, link, socket, flags, mtu]),
    [
      [5, 'tap9', '', 4, 1500],
      [6, '', '/run/weft/a.sock', 9, 1500],
      [6, '', '/run/weft/b.sock', 1, 1500],
      [5, 'tap0', '', 1, 1500],
    ],
  );
  const vlan = port('v', { network: 'jumbo', binding: { type: 'vlan', parent: 'trunk0', vlan: 5 } });
  store.apply([vlan]);
  await programmer.update([keyOfWanted(vlan)]);
  t.is(table.of('port')[0]?.mtu, 9000);
  store.apply([], [keyOfWanted(vlan)]);
  await programmer.update([keyOfWanted(vlan)]);
  t.is(table.of('port')[0]?.mtu, 1500);
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

test('a number that moves between ports survives news in any order', async (t) => {
  for (const order of [
    [0, 1],
    [1, 0],
  ]) {
    const store = redSite();
    const { table, programmer } = await programmed(store);
    store.apply([], [keyOfWanted(port('web1'))]);
    store.apply([port('heir')]);
    // As when all numbers have had their turn.
    store.setStatus(keyOfWanted(port('heir')), { id: 1 });
    const keys = [keyOfWanted(port('web1')), keyOfWanted(port('heir'))];
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

/** Rows without what depends on the past: numbers of ECMP groups, and places in them. */
function withoutPast(table: Table): unknown[] {
  const membersOf = Map.groupBy(table.of('member'), ({ group }) => group);
  const group = (id: number) => membersOf.get(id)?.map(({ nexthop }) => nexthop).sort() ?? [id]; // biome-ignore format: one line
  return table.list().flatMap((row): unknown[] => {
    if (row.table === 'member' || (row.table === 'nexthop' && row.type === nexthopTypes.ecmp)) return [];
    return row.table === 'route' ? [{ ...row, nexthop: group(row.nexthop) }] : [row];
  });
}

/** Applies a step; returns the objects that it changed, as `formatKey` names them. */
function changedBy(store: Store, step: Step): readonly string[] {
  const { apply, remove } = sound(store, step);
  const before = new Map(store.objects);
  store.apply(apply, remove.map(keyOfWanted));
  return [...new Set([...before.keys(), ...store.objects.keys()])].filter((key) => before.get(key) !== store.objects.get(key));
}

test('random changes, told piecemeal, lead to the rows that a fresh start would send', async (t) => {
  await fc.assert(
    fc.asyncProperty(stepsArbitrary, async (steps) => {
      const store = new Store();
      const { table, programmer } = await programmed(store);
      for (const step of steps) await programmer.update(changedBy(store, step).map(parseKey));
      t.deepEqual(withoutPast(table), withoutPast((await programmed(store)).table));
    }),
    { numRuns: 150, seed: 3 },
  );
});

test('random changes between the parts of an update lead to the same rows', async (t) => {
  await fc.assert(
    fc.asyncProperty(stepsArbitrary, async (steps) => {
      const store = new Store();
      const { table, programmer } = await programmed(store, 1);
      const left = [...steps];
      let pending = new Set<string>();
      table.onRows = () => {
        const step = left.shift();
        if (step) for (const key of changedBy(store, step)) pending.add(key);
      };
      while (left.length > 0 || pending.size > 0) {
        if (pending.size === 0) table.onRows();
        const changed = [...pending].map(parseKey);
        pending = new Set();
        await programmer.update(changed);
      }
      t.deepEqual(withoutPast(table), withoutPast((await programmed(store)).table));
    }),
    { numRuns: 60, seed: 4 },
  );
});

test('what changes and changes back between the parts of an update leaves no trace', async (t) => {
  const store = redSite();
  const { table, programmer } = await programmed(store, 1);
  const web1 = { ...port('web1'), spec: store.get({ kind: 'Port', project: 'default', name: 'web1' })?.spec ?? {} };
  table.onRows = () => {
    table.onRows = () => undefined;
    store.apply([port('web1', { ...web1.spec, portSecurity: false, mac: '02:00:00:00:00:22' })]);
  };
  const red = network('red', '10.1.0.0/24');
  store.apply([port('a'), red]);
  await programmer.update([port('a'), red].map(keyOfWanted));
  t.true(
    table.of('port').some(({ mac }) => mac === '02:00:00:00:00:22'),
    'its rows were made in between',
  );
  store.apply([web1]);
  await programmer.update([keyOfWanted(web1)]);
  t.deepEqual(table.list(), (await programmed(store)).table.list());
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
      t.deepEqual(withoutPast(table), withoutPast((await programmed(whole)).table));
    }),
    { numRuns: 100, seed: 5 },
  );
});

function parseKey(text: string): ObjectKey {
  const [kind = '', ...scope] = text.split('/');
  const [project, name] = scope.length === 1 ? [undefined, scope[0]] : scope;
  const key = { kind, ...(project === undefined ? {} : { project }), name: name ?? '' };
  if (formatKey(key) !== text) throw new Error(`${text} is no key`);
  return key;
}
