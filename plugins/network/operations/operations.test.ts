import type { DropCount, Port, PortStats, Row, TableName } from '@weft/kernel/contract/net';
import type { OperationCall, RowOf } from '@weft/kernel/sdk';
import test from 'ava';
import { Value } from 'typebox/value';
import { Programmer } from '../rows/programmer.ts';
import { network, port, router, Store, settings, trunk } from '../test/store.ts';
import { drops, dropsSpec } from './drops.ts';
import { routes, routesSpec } from './routes.ts';
import { stats, statsSpec } from './stats.ts';

function site(): Store {
  const store = new Store();
  store.apply([
    network('red', { cidr: '10.1.0.0/24', routes: [{ prefix: '10.9.0.0/16', nextHop: '10.1.0.11' }] }),
    { ...network('red', '10.1.0.0/24'), project: 'acme' },
    trunk('trunk0'),
    port('web1', { addresses: ['10.1.0.11'] }),
    { ...port('web1'), project: 'acme' },
  ]);
  return store;
}

const call = (project: string): OperationCall => ({ project, signal: new AbortController().signal });

/** A forwarder with counters for ports 1 to 9, of which the site has three. */
function forwarder(rows: readonly Row[] = []) {
  const ids = [1, 2, 3, 9];
  const only = (ports?: readonly number[]) => ids.filter((id) => ports === undefined || ports.includes(id));
  return {
    onPorts: () => undefined,
    rows: <Name extends TableName>(table: Name) => Promise.resolve(rows.filter((row): row is RowOf<Name> => row.table === table)),
    drops: (ports?: readonly number[]) => {
      const of = (port: number): DropCount => ({ port, reason: 'no-route', packets: port * 10, bytes: port * 640 });
      return Promise.resolve({ drops: only(ports).map(of) });
    },
    stats: (ports?: readonly number[]) => {
      const of = (id: number): PortStats => ({
        id,
        rxPackets: 10,
        rxBytes: 640,
        txPackets: 4,
        txBytes: 256,
        injected: 1,
        cloned: 2,
        originated: 1,
        sent: 9,
        dropped: id === 2 ? 3 : 4,
        punted: 1,
      });
      return Promise.resolve({ ports: only(ports).map(of) });
    },
  };
}

test('drops have names instead of numbers, most first, and none of other projects but of nobody', async (t) => {
  const context = { objects: site(), forwarder: forwarder() };
  const own = await drops(context, {}, call('default'));
  t.deepEqual(own.items, [
    { project: '', port: '(port 9, no object)', kind: '', reason: 'no-route', packets: 90, bytes: 5760 },
    { project: 'default', port: 'web1', kind: 'Port', reason: 'no-route', packets: 20, bytes: 1280 },
    { project: 'default', port: 'trunk0', kind: 'Trunk', reason: 'no-route', packets: 10, bytes: 640 },
  ]);
  t.deepEqual(
    (await drops(context, { port: 'web1' }, call('acme'))).items.map(({ packets }) => packets),
    [30],
  );
  t.deepEqual(
    (await drops(context, {}, call('-'))).items.map(({ packets }) => packets),
    [90, 30, 20, 10],
  );
  t.true(Value.Check(dropsSpec.output, own));
});

test('an unknown port or network is an error that says how to list them', async (t) => {
  const context = { objects: site(), forwarder: forwarder() };
  await t.throwsAsync(drops(context, { port: 'nope' }, call('default')), { message: /no Port, Trunk or Uplink nope/ });
  await t.throwsAsync(stats(context, { port: 'trunk0' }, call('acme')), { message: /no Port, Trunk or Uplink trunk0/ });
  await t.throwsAsync(routes(context, { routesOf: () => [] }, { network: 'blue' }, call('default')), { message: /no VirtualNetwork blue/ });
});

test('the ledger tells whether it adds up', async (t) => {
  const answer = await stats({ objects: site(), forwarder: forwarder() }, {}, call('-'));
  t.deepEqual(
    answer.items.map(({ project, port: name, balanced }) => [project, name, balanced]),
    [
      ['default', 'trunk0', true],
      ['default', 'web1', false],
      ['acme', 'web1', true],
    ],
  );
  t.true(Value.Check(statsSpec.output, answer));
});

test('routes name next hop, source and port, and follow routers', async (t) => {
  const store = site();
  store.apply([network('blue', '10.2.0.0/24'), router('r', 'red', 'blue')]);
  const programmer = new Programmer(store, { replace: () => Promise.resolve(), update: () => Promise.resolve() }, settings);
  await programmer.replace();
  const context = { objects: store, forwarder: forwarder() };
  const red = await routes(context, programmer.decisions, { network: 'red' }, call('default'));
  const web1 = { port: 'default/web1', mac: store.list<Port>('Port')[0]?.status.mac ?? '' };
  t.deepEqual(red.items, [
    { project: 'default', network: 'red', prefix: '10.1.0.0/24', via: 'direct', source: 'connected' },
    { project: 'default', network: 'red', prefix: '10.1.0.11/32', via: 'direct', source: 'connected', ...web1 },
    { project: 'default', network: 'red', prefix: '10.2.0.0/24', via: 'direct', source: 'leaked' },
    { project: 'default', network: 'red', prefix: '10.9.0.0/16', via: '10.1.0.11', source: 'static', ...web1 },
  ]);
  const blue = await routes(context, programmer.decisions, { network: 'blue' }, call('default'));
  t.deepEqual(
    blue.items.map(({ prefix, source }) => `${prefix} ${source}`),
    ['10.1.0.0/24 leaked', '10.1.0.11/32 leaked', '10.2.0.0/24 connected'],
  );
  t.true(Value.Check(routesSpec.output, red));
});

test('routes name no port of a project that the caller may not see', async (t) => {
  const store = site();
  store.apply([port('guest', { network: 'acme/red', addresses: ['10.1.0.77'] })]);
  const programmer = new Programmer(store, { replace: () => Promise.resolve(), update: () => Promise.resolve() }, settings);
  await programmer.replace();
  const context = { objects: store, forwarder: forwarder() };
  const portsFor = async (projects?: readonly string[]): Promise<(string | undefined)[]> => {
    const asked = { ...call('acme'), ...(projects === undefined ? {} : { projects }) };
    return (await routes(context, programmer.decisions, {}, asked)).items.flatMap(({ port: through }) => through ?? []).sort();
  };
  t.true((await portsFor()).includes('default/guest'));
  t.true((await portsFor(['acme', 'default'])).includes('default/guest'));
  const seen = await portsFor(['acme']);
  t.true(seen.includes('a Port of another project') && seen.includes('acme/web1'));
  t.notRegex(seen.join(), /guest/);
});

test('routes show both families, the members of a group, and next hops that nobody has', async (t) => {
  const store = new Store();
  const pair = { allowedAddressPairs: [{ address: '2001:db8:1::100' }] };
  store.apply([
    network('red', { cidr: '2001:db8:1::/64', routes: [{ prefix: '::/0', nextHop: '2001:db8:1::9' }] }, '10.1.0.0/24'),
    port('a', { addresses: [], mac: '02:00:00:00:00:0a', ...pair }),
    port('b', { addresses: [], mac: '02:00:00:00:00:0b', ...pair }),
  ]);
  const programmer = new Programmer(store, { replace: () => Promise.resolve(), update: () => Promise.resolve() }, settings);
  await programmer.replace();
  const learned = {
    table: 'learned_neighbor',
    bridge: 1,
    address: '2001:db8:1::ff:fe00:a',
    mac: '02:00:00:00:00:0a',
    port: 1,
    generation: 1,
  } as const;
  const context = {
    objects: store,
    forwarder: forwarder([learned, { ...learned, bridge: 2 }, { ...learned, address: 'fe80::ff:fe00:a' }]),
  };
  const { items } = await routes(context, programmer.decisions, {}, call('default'));
  t.deepEqual(
    items.map(({ prefix, via, port: through, place }) => [prefix, via, through, place]),
    [
      ['10.1.0.0/24', 'direct', undefined, undefined],
      ['::/0', 'unreachable', undefined, undefined],
      ['2001:db8:1::/64', 'direct', undefined, undefined],
      ['2001:db8:1::100/128', 'direct', 'default/a', 0],
      ['2001:db8:1::100/128', 'direct', 'default/b', 1],
      ['2001:db8:1::ff:fe00:a/128', 'direct', 'default/a', undefined],
    ],
  );
  t.true(Value.Check(routesSpec.output, { items }));
});
