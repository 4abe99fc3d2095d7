import type { DropCount, PortStats } from '@weft/kernel/contract/net';
import type { OperationCall } from '@weft/kernel/sdk';
import test from 'ava';
import { Value } from 'typebox/value';
import { Programmer } from '../rows/programmer.ts';
import { network, port, router, Store, trunk } from '../test/store.ts';
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
function forwarder() {
  const ids = [1, 2, 3, 9];
  const only = (ports?: readonly number[]) => ids.filter((id) => ports === undefined || ports.includes(id));
  return {
    onPorts: () => undefined,
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

test('drops have names instead of numbers, most first, and none of other projects', async (t) => {
  const context = { objects: site(), forwarder: forwarder() };
  const own = await drops(context, {}, call('default'));
  t.deepEqual(own.items, [
    { project: 'default', port: 'web1', kind: 'Port', reason: 'no-route', packets: 20, bytes: 1280 },
    { project: 'default', port: 'trunk0', kind: 'Trunk', reason: 'no-route', packets: 10, bytes: 640 },
  ]);
  t.deepEqual(
    (await drops(context, { port: 'web1' }, call('acme'))).items.map(({ packets }) => packets),
    [30],
  );
  t.deepEqual(
    (await drops(context, {}, call('-'))).items.map(({ packets }) => packets),
    [30, 20, 10],
  );
  t.true(Value.Check(dropsSpec.output, own));
});

test('an unknown port or network is an error that says how to list them', async (t) => {
  const context = { objects: site(), forwarder: forwarder() };
  await t.throwsAsync(drops(context, { port: 'nope' }, call('default')), { message: /no Port or Trunk nope/ });
  await t.throwsAsync(stats(context, { port: 'trunk0' }, call('acme')), { message: /no Port or Trunk trunk0/ });
  t.throws(() => routes(site(), { peersOf: () => [] }, { network: 'blue' }, call('default')), { message: /no VirtualNetwork blue/ });
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
  const programmer = new Programmer(store, { replace: () => Promise.resolve(), update: () => Promise.resolve() }, 1500);
  await programmer.replace();
  const red = routes(store, programmer.topology, { network: 'red' }, call('default'));
  t.deepEqual(red.items, [
    { project: 'default', network: 'red', prefix: '10.1.0.0/24', via: 'direct', source: 'connected' },
    { project: 'default', network: 'red', prefix: '10.1.0.11/32', via: 'direct', source: 'connected', port: 'default/web1' },
    { project: 'default', network: 'red', prefix: '10.9.0.0/16', via: '10.1.0.11', source: 'static', port: 'default/web1' },
    { project: 'default', network: 'red', prefix: '10.2.0.0/24', via: 'direct', source: 'leaked' },
  ]);
  const blue = routes(store, programmer.topology, { network: 'blue' }, call('default'));
  t.deepEqual(
    blue.items.map(({ prefix, source }) => `${prefix} ${source}`),
    ['10.2.0.0/24 connected', '10.1.0.0/24 leaked', '10.1.0.11/32 leaked'],
  );
  t.true(Value.Check(routesSpec.output, red));
});
