import type { LogicalRouter, Port, Trunk, Uplink, VirtualNetwork } from '@weft/kernel/contract/net';
import { keyOf, type WeftObject } from '@weft/kernel/contract/system';
import test from 'ava';
import * as fc from 'fast-check';
import { sound, stepsArbitrary } from '../test/arbitrary.ts';
import { keyOfWanted, network, port, router, Store, trunk, type Wanted } from '../test/store.ts';

function statusOf(store: Store, wanted: Wanted): Record<string, unknown> {
  return store.get(keyOfWanted(wanted))?.status ?? {};
}

test('a network gets number, VNI, MTU and the first host address of each subnet as gateway', (t) => {
  const store = new Store();
  store.apply([network('red', '10.1.0.0/24', { cidr: '10.2.0.0/24', gateway: '10.2.0.254' })]);
  t.deepEqual(statusOf(store, network('red')), { phase: 'Pending', id: 1, vni: 5001, mtu: 1500, gateways: ['10.1.0.1', '10.2.0.254'] });
});

test('a port gets number, MAC address and the lowest free address of each pool', (t) => {
  const store = new Store();
  store.apply([network('red', '10.1.0.0/24', { cidr: '10.2.0.0/24', pool: { from: '10.2.0.10', to: '10.2.0.20' } }), port('a'), port('b')]);
  const { id, addresses, mac, phase } = statusOf(store, port('b')) as Record<string, string>;
  t.like({ id, phase }, { id: 2, phase: 'Pending' });
  t.deepEqual(addresses as unknown, ['10.1.0.3', '10.2.0.11']);
  t.regex(mac ?? '', /^02(:[0-9a-f]{2}){5}$/);
});

test('the pool skips the gateway and what ports name, also in the same apply', (t) => {
  const store = new Store();
  store.apply([network('red', { cidr: '10.1.0.0/29', gateway: '10.1.0.2' }), port('a'), port('b', { addresses: ['10.1.0.1'] }), port('c')]);
  t.deepEqual(statusOf(store, port('a')).addresses, ['10.1.0.3']);
  t.deepEqual(statusOf(store, port('c')).addresses, ['10.1.0.4']);
});

test('IPv6 pools give the lowest free address, past the subnet-router anycast address and the gateway', (t) => {
  const store = new Store();
  const pool = { from: '2001:db8:2::ffff', to: '2001:db8:2::ffff:ffff:ffff:ffff' };
  t.deepEqual(store.apply([network('red', '2001:db8:1::/64', '10.1.0.0/24', { cidr: '2001:db8:2::/48', pool }), port('a')]), []);
  t.deepEqual(statusOf(store, network('red')).gateways, ['2001:db8:1::1', '10.1.0.1', '2001:db8:2::1']);
  t.deepEqual(statusOf(store, port('a')).addresses, ['2001:db8:1::2', '10.1.0.2', '2001:db8:2::ffff']);
  store.apply([port('b', { addresses: ['2001:DB8:1:0::3'] }), port('c')]);
  t.deepEqual(statusOf(store, port('b')).addresses, ['2001:db8:1::3']);
  t.deepEqual(statusOf(store, port('c')).addresses, ['2001:db8:1::4', '10.1.0.3', '2001:db8:2::1:0']);
});

test('every address of a small IPv6 subnet but two can be given', (t) => {
  const store = new Store();
  t.deepEqual(store.apply([network('red', '2001:db8::/126'), port('a'), port('b')]), []);
  t.deepEqual(statusOf(store, port('b')).addresses, ['2001:db8::3']);
  t.is(store.apply([port('c')]).length, 1);
});

test('pools leave the addresses of pairs alone', (t) => {
  const store = new Store();
  const pairs = { allowedAddressPairs: [{ address: '10.1.0.3' }, { address: '10.1.0.0/24' }] };
  store.apply([network('red', '10.1.0.0/24'), port('a', pairs), port('b')]);
  t.deepEqual(statusOf(store, port('b')).addresses, ['10.1.0.4']);
});

test('an exhausted pool refuses with the field and the pool', (t) => {
  const store = new Store();
  const [refusal] = store.apply([network('red', '10.1.0.0/30'), port('a'), port('b')]);
  t.like(refusal, { object: 'Port/default/b', pointer: '/spec/addresses' });
  t.regex(refusal?.message ?? '', /10\.1\.0\.0\/30/);
});

test('an empty list of addresses means none', (t) => {
  const store = new Store();
  store.apply([network('red', '10.1.0.0/24'), port('a', { addresses: [] })]);
  t.deepEqual(statusOf(store, port('a')).addresses, []);
});

test('what was allocated stays over changes of the spec', (t) => {
  const store = new Store();
  store.apply([network('red', '10.1.0.0/24'), port('x'), port('a')]);
  const before = statusOf(store, port('a'));
  store.apply([port('a', { hostname: 'web' })], [keyOfWanted(port('x'))]);
  t.deepEqual(statusOf(store, port('a')), before);
  store.apply([network('red', { cidr: '10.1.0.0/24', pool: { from: '10.1.0.100', to: '10.1.0.200' } })]);
  store.apply([port('a', { hostname: 'web2' })]);
  t.deepEqual(statusOf(store, port('a')), before);
});

test('an address moves on when its holder gives it up for another that names it', (t) => {
  const store = new Store();
  store.apply([network('red', '10.1.0.0/24'), port('a')]);
  t.deepEqual(store.apply([port('a', { hostname: 'w' }), port('b', { addresses: ['10.1.0.2'] })]), []);
  t.deepEqual(statusOf(store, port('a')).addresses, ['10.1.0.3']);
});

test('a freed number waits until the forwarder has let go of it', (t) => {
  const store = new Store();
  store.apply([network('red', '10.1.0.0/24'), router('a', 'red'), port('p')]);
  store.held.vrfs.add(2);
  store.held.ports.add(2);
  t.deepEqual(store.apply([router('b'), port('q')], [keyOfWanted(router('a'))]), []);
  t.deepEqual([statusOf(store, router('b')).id, statusOf(store, port('q')).id], [3, 3]);
  store.held.vrfs.clear();
  store.apply([router('c')]);
  t.is(statusOf(store, router('c')).id, 2);
});

test('networks and routers share one space of numbers, ports and trunks another', (t) => {
  const store = new Store();
  store.apply([network('red', '10.1.0.0/24'), router('r', 'red'), trunk('t'), port('a')]);
  const idOf = (wanted: Wanted) => statusOf(store, wanted).id;
  t.deepEqual([idOf(network('red')), idOf(router('r')), idOf(trunk('t')), idOf(port('a'))], [1, 2, 1, 2]);
});

test('ten thousand ports in one apply are admitted within its deadline', (t) => {
  const store = new Store();
  const ports = Array.from({ length: 10_000 }, (_, index) => port(`p${index}`));
  t.deepEqual(store.apply([network('red', '10.0.0.0/16'), ...ports]), []);
  t.deepEqual(statusOf(store, port('p9999')).addresses, ['10.0.39.17']);
});

/** Everything that must be unique, once per holder; the property is that no text comes twice. */
function holdings(store: Store): string[] {
  const networks = store.list<VirtualNetwork>('VirtualNetwork');
  const ports = store.list<Port>('Port');
  const routers = store.list<LogicalRouter>('LogicalRouter');
  const trunks = store.list<Trunk>('Trunk');
  const uplinks = store.list<Uplink>('Uplink');
  return [
    ...uplinks.flatMap(({ status, spec }) => [
      ...[`vrf ${status.network}`, `link ${status.id}`],
      ...(status.trunk === undefined ? [] : [`link ${status.trunk}`]),
      ...spec.addresses.map((address) => `outside ${address}`),
    ]),
    ...networks.flatMap(({ status }) => [`vrf ${status.id}`, `vni ${status.vni}`]),
    ...routers.flatMap(({ status, spec }) => [`vrf ${status.id}`, ...spec.networks.map((member) => `router of ${member}`)]),
    ...trunks.map(({ status }) => `link ${status.id}`),
    ...ports.flatMap(({ status, spec }) => [
      `link ${status.id}`,
      `mac ${spec.network} ${status.mac}`,
      ...(spec.mac === undefined ? [`allocated mac ${status.mac}`] : []),
      ...status.addresses.map((address) => `address ${spec.network} ${address}`),
      ...(spec.binding.type === 'vlan' ? [`vlan ${spec.binding.vlan}`] : []),
    ]),
    ...networks.flatMap(({ status, metadata }) => status.gateways.map((gateway) => `address ${metadata.name} ${gateway}`)),
  ];
}

test('random applies: nothing is held twice, what is named is given, what is not changed stays', async (t) => {
  let accepted = 0;
  await fc.assert(
    fc.property(stepsArbitrary, (steps) => {
      const store = new Store();
      for (const step of steps) {
        const before = new Map(store.objects);
        const { apply, remove } = sound(store, step);
        const refusals = store.apply(apply, remove.map(keyOfWanted));
        if (refusals.length > 0) {
          if (JSON.stringify([...before]) !== JSON.stringify([...store.objects])) throw new Error('a refused apply left something behind');
          continue;
        }
        accepted += 1;
        const held = holdings(store);
        if (new Set(held).size !== held.length) throw new Error(`held twice: ${held.sort().join(', ')}`);
        for (const [key, object] of store.objects) checkObject(key, object, before.get(key));
      }
    }),
    { numRuns: 300, seed: 20261121 },
  );
  t.true(accepted > 500, `only ${accepted} applies were accepted: the property says little`);
});

function checkObject(key: string, object: WeftObject, before: WeftObject | undefined): void {
  const { id, mac, addresses } = object.status;
  if (before?.metadata.uid === object.metadata.uid && before.status.id !== id) throw new Error(`${key} changed its number`);
  if (object.kind !== 'Port') return;
  const spec = object.spec as { mac?: string; addresses?: string[] };
  if (spec.mac !== undefined && spec.mac !== mac) throw new Error(`${key} did not get its MAC address`);
  if (spec.addresses && JSON.stringify(spec.addresses) !== JSON.stringify(addresses)) throw new Error(`${key} did not get its addresses`);
  if (!Array.isArray(addresses) || addresses.length === 0) throw new Error(`${key} has no address`);
  if (before && before.spec === object.spec && JSON.stringify(before.status) !== JSON.stringify(object.status)) {
    throw new Error(`${key} changed without being written`);
  }
}

test('deleting everything frees everything', async (t) => {
  await fc.assert(
    fc.property(stepsArbitrary, (steps) => {
      const store = new Store();
      for (const step of steps) {
        const { apply, remove } = sound(store, step);
        store.apply(apply, remove.map(keyOfWanted));
      }
      const all = [...store.objects.values()].map(keyOf);
      if (store.apply([], all).length > 0 || store.objects.size > 0) throw new Error('something could not be deleted');
      const { linkIds, lastLinkId } = store.committed;
      for (let id = 1; id <= lastLinkId; id++) if (linkIds.has(id)) throw new Error(`the number ${id} leaked`);
      store.apply([network('red', '10.1.0.0/28'), port('fresh')]);
      const [{ id }, { addresses }] = [statusOf(store, network('red')), statusOf(store, port('fresh'))];
      if (id !== 1 || JSON.stringify(addresses) !== '["10.1.0.2"]') throw new Error(`a number or address leaked: ${id}, ${addresses}`);
    }),
    { numRuns: 100, seed: 7 },
  );
  t.pass();
});
