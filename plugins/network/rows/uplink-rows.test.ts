import { type RouteRow, type Row, rowId, type Uplink } from '@weft/kernel/contract/net';
import test from 'ava';
import { network, port, router, Store, settings, uplink } from '../test/store.ts';
import { Table } from '../test/table.ts';
import { gatewayNumbers, hashedMac } from '../uplink.ts';
import { Programmer } from './programmer.ts';

const toGateway = 6 * 2 ** 28;
const toVrf = 7 * 2 ** 28;
const own = '00:00:5e:00:01:00';
const noMac = '00:00:00:00:00:00';

async function programmed(store: Store): Promise<{ table: Table; programmer: Programmer }> {
  const table = new Table();
  const programmer = new Programmer(store, table, settings);
  await programmer.replace();
  return { table, programmer };
}

const routesOf = (table: Table, vrf: number): string[] =>
  table
    .of('route')
    .filter((route: RouteRow) => route.vrf === vrf)
    .map(({ address, prefixLength, source, nexthop }) => `${address}/${prefixLength} ${source} ${nexthop}`)
    .sort();
const numberOf = (address: string, ...others: string[]): number => {
  const parsed = [address, ...others].map(
    (text) => ({ family: 4, value: BigInt(text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)) }) as const,
  );
  return gatewayNumbers(parsed).get(address) ?? -1;
};

test('an uplink becomes a port alone in a network of its own, with its subnets and its gateway', async (t) => {
  const store = new Store();
  store.apply([uplink('public', { addresses: ['192.0.2.1/24', '192.0.2.2/24', '2001:db8::1/64'], mtu: 1400 })]);
  const { table } = await programmed(store);
  const number = numberOf('192.0.2.254');
  t.deepEqual(table.of('vrf'), [{ table: 'vrf', id: 1 }]);
  t.deepEqual(table.of('bridge'), [{ table: 'bridge', id: 1, vrf: 1, vni: 0, mode: 1, flags: 0, mtu: 1400, floodRate: 0 }]);
  t.deepEqual(table.of('port'), [
    {
      ...{ table: 'port', id: 1, bridge: 1, parent: 0, flags: 32, mac: noMac, mtu: 1400, vlan: 0, binding: 1 },
      ...{ interface: 'up-public', netns: '', socket: '' },
    },
  ]);
  t.deepEqual(
    table.of('neighbor').map(({ address, mac, flags }) => [address, mac, flags]),
    [
      ['192.0.2.1', own, 1],
      ['192.0.2.2', own, 1],
      ['2001:db8::1', own, 1],
    ],
  );
  t.deepEqual(table.of('gateway'), [{ table: 'gateway', port: 1, number, address: '192.0.2.254' }]);
  t.deepEqual(routesOf(table, 1), [`0.0.0.0/0 20 ${toGateway + 256 + number}`, '192.0.2.0/24 10 1', '2001:db8::/64 10 1']);
  const none = { table: 'nexthop', port: 0, bridge: 0, mac: noMac, target: 0, flags: 0, size: 0, puntClass: 0 } as const;
  t.deepEqual(
    table.of('nexthop'),
    [
      { ...none, id: 1, type: 1, bridge: 1 },
      { ...none, id: toGateway + 256 + number, type: 6, port: 1, bridge: 1, target: number },
      { ...none, id: toVrf + 1, type: 5, target: 1 },
    ].sort((a, b) => (rowId(a) < rowId(b) ? -1 : 1)),
  );
  t.deepEqual([table.of('mac'), table.of('source')], [[], []]);
});

test('a link that Weft makes has a MAC address of its own, which stays', async (t) => {
  const store = new Store();
  store.apply([uplink('public', { binding: { type: 'netns', netns: 'outside', interface: 'weft0' } })]);
  const { table, programmer } = await programmed(store);
  const mac = hashedMac(store.objects.get('Uplink/public')?.metadata.uid ?? '');
  t.regex(mac, /^02:/);
  t.like(table.of('port')[0], { mac, netns: 'outside', interface: 'weft0', binding: 2 });
  store.apply([uplink('public', { binding: { type: 'tap', interface: 'weft1' } })]);
  await programmer.update([{ kind: 'Uplink', name: 'public' }]);
  t.like(table.of('port')[0], { mac, netns: '', interface: 'weft1', binding: 5 });
});

test('with a VLAN the link is a trunk, and the uplink rides on it', async (t) => {
  const store = new Store();
  store.apply([uplink('public', { vlan: 101 })]);
  const { table, programmer } = await programmed(store);
  const { id, trunk } = store.get<Uplink>({ kind: 'Uplink', name: 'public' })?.status ?? {};
  const byId = (wanted: number | undefined) => table.of('port').find((row) => row.id === wanted);
  t.like(byId(trunk), { bridge: 0, flags: 4, binding: 1, interface: 'up-public', vlan: 0, mac: noMac });
  t.like(byId(id), { bridge: 1, flags: 32, binding: 3, interface: '', vlan: 101, parent: trunk ?? 0, mac: noMac });
  t.true(programmer.ports.has(trunk ?? 0) && programmer.ports.has(id ?? 0) && programmer.vrfs.has(1));
  store.apply([uplink('public')]);
  await programmer.update([{ kind: 'Uplink', name: 'public' }]);
  t.deepEqual(
    table.of('port').map((row) => [row.id, row.flags, row.interface]),
    [[id ?? 0, 32, 'up-public']],
  );
});

test('several gateways of a family share the traffic, each keeps its number and its place', async (t) => {
  const store = new Store();
  const three = ['192.0.2.251', '192.0.2.252', '192.0.2.253'];
  store.apply([uplink('public', { gateways: [...three, 'fe80::1'] })]);
  const { table, programmer } = await programmed(store);
  const before = new Map(table.of('gateway').map(({ address, number }) => [address, number]));
  const places = table.of('member');
  t.is(places.length, 3);
  t.is(routesOf(table, 1).filter((route) => route.startsWith('::/0 20')).length, 1);
  store.apply([uplink('public', { gateways: ['192.0.2.253', '192.0.2.251', 'fe80::1'] })]);
  await programmer.update([{ kind: 'Uplink', name: 'public' }]);
  for (const { address, number } of table.of('gateway')) t.is(before.get(address), number);
  const gone = toGateway + 256 + (before.get('192.0.2.252') ?? 0);
  t.deepEqual(
    table.of('member'),
    places.filter(({ nexthop }) => nexthop !== gone),
  );
  t.false(table.of('nexthop').some(({ id }) => id === gone));
});

test('numbers of gateways differ, also where their hashes do not', (t) => {
  const many = Array.from({ length: 200 }, (_, at) => ({ family: 4, value: 0xc0000200n + BigInt(at) }) as const);
  const numbers = [...gatewayNumbers(many).values()];
  t.is(new Set(numbers).size, 200);
  t.true(numbers.every((number) => number >= 0 && number < 256));
});

const underlay = (name: string, cidr: string, of = 'public') => {
  const wanted = network(name, cidr);
  return { ...wanted, spec: { ...wanted.spec, underlay: of } };
};

test('a natively routed network has its way out by the uplink, which knows the way in', async (t) => {
  const store = new Store();
  store.apply([uplink('public'), underlay('red', '10.1.0.0/24'), network('blue', '10.2.0.0/24'), router('core', 'red', 'blue')]);
  const { table, programmer } = await programmed(store);
  const numberOf = (title: string): number => {
    const status = store.objects.get(title)?.status;
    return (status?.network ?? status?.id ?? 0) as number;
  };
  const [red, blue, out] = [numberOf('VirtualNetwork/default/red'), numberOf('VirtualNetwork/default/blue'), numberOf('Uplink/public')];
  t.is(table.of('bridge').find(({ id }) => id === red)?.flags, 2);
  t.is(table.of('bridge').find(({ id }) => id === blue)?.flags, 0);
  t.deepEqual(
    routesOf(table, red).filter((route) => route.includes('/0 ')),
    [`0.0.0.0/0 45 ${toVrf + out}`, `::/0 45 ${toVrf + out}`],
  );
  t.deepEqual(
    routesOf(table, out).filter((route) => route.includes(' 45 ')),
    [`10.1.0.0/24 45 ${toVrf + red}`],
  );
  t.deepEqual(
    routesOf(table, blue).filter((route) => route.includes('/0 ')),
    [],
  );
  const apply = async (...wanted: Parameters<Store['apply']>[0]) => {
    t.deepEqual(store.apply(wanted), []);
    await programmer.update(wanted.map(({ kind, name }) => (kind === 'Uplink' ? { kind, name } : { kind, project: 'default', name })));
  };
  await apply(network('red', '10.1.0.0/24'));
  t.false(table.of('route').some(({ source }) => source === 45));
  t.deepEqual(
    table.of('nexthop').filter(({ type }) => type === 5),
    [table.of('nexthop').find(({ id }) => id === toVrf + out) as Extract<Row, { table: 'nexthop' }>],
  );
});

test('a change leaves the same rows as a start, whatever came first', async (t) => {
  const store = new Store();
  const { table, programmer } = await programmed(store);
  const steps = [
    [uplink('public')],
    [underlay('red', '10.1.0.0/24'), port('web1')],
    [uplink('public', { vlan: 5, gateways: ['192.0.2.252', '192.0.2.253'] })],
    [uplink('other', { addresses: ['198.51.100.1/24'], gateways: [] }), underlay('red', '10.1.0.0/24', 'other')],
    [uplink('public', { addresses: ['2001:db8::1/64'], gateways: ['fe80::1'] })],
    [uplink('public', { binding: { type: 'netns', netns: 'outside', interface: 'weft0' }, mtu: 9000, allowedPrefixes: [] })],
    [network('red', '10.1.0.0/24')],
  ];
  for (const step of steps) {
    t.deepEqual(store.apply(step), []);
    await programmer.update(step.map(({ kind, name }) => (kind === 'Uplink' ? { kind, name } : { kind, project: 'default', name })));
    t.deepEqual(table.list(), (await programmed(store)).table.list());
  }
  const gone = ['public', 'other'].map((name) => ({ kind: 'Uplink', name }));
  t.deepEqual(store.apply([], gone), []);
  await programmer.update(gone);
  const { table: without } = await programmed(store);
  t.deepEqual([table.list(), table.of('gateway'), table.of('port').length], [without.list(), [], 1]);
});
