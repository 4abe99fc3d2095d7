import test from 'ava';
import { site } from '../test/refused.ts';
import { keyOfWanted, network, port, router, Store } from '../test/store.ts';

test('a network that grows into another member of its router is blamed itself', (t) => {
  const store = site();
  t.deepEqual(store.apply([router('r', 'red', 'blue')]), []);
  const [refusal] = store.apply([network('blue', '10.2.0.0/24', '10.1.0.0/16')]);
  t.is(refusal?.object, 'VirtualNetwork/default/blue');
  t.is(refusal?.pointer, '/spec/subnets/1/cidr');
  t.regex(refusal?.message ?? '', /LogicalRouter\/default\/r/);
});

test('a router that is untouched keeps its member from a newcomer', (t) => {
  const store = site();
  store.apply([router('r', 'red')]);
  t.is(store.apply([router('a', 'red')])[0]?.object, 'LogicalRouter/default/a');
});

test('a port of another network may have the same address and MAC', (t) => {
  const store = site();
  t.deepEqual(
    store.apply([network('green', '10.1.0.0/24'), port('g', { network: 'green', addresses: ['10.1.0.11'], mac: '02:00:00:00:00:11' })]),
    [],
  );
});

test('an address, a link and a VLAN that one port gives up another may take in the same apply', (t) => {
  const store = site();
  const heir = port('heir', {
    addresses: ['10.1.0.11'],
    mac: '02:00:00:00:00:11',
    binding: { type: 'netns', netns: 'vm1', interface: 'eth0' },
  });
  t.deepEqual(store.apply([heir], [{ kind: 'Port', project: 'default', name: 'web1' }]), []);
  t.deepEqual(store.apply([port('web2'), port('heir2', { binding: { type: 'vlan', parent: 'trunk0', vlan: 101 } })]), []);
});

test('ports swap their addresses in one apply', (t) => {
  const store = site();
  store.apply([port('a', { addresses: ['10.1.0.21'] }), port('b', { addresses: ['10.1.0.22'] })]);
  t.deepEqual(store.apply([port('a', { addresses: ['10.1.0.22'] }), port('b', { addresses: ['10.1.0.21'] })]), []);
  t.deepEqual(store.get(keyOfWanted(port('a')))?.status.addresses, ['10.1.0.22']);
});

test('a subnet may go together with the ports in it', (t) => {
  const store = site();
  const gone = ['web1', 'web2'].map((name) => ({ kind: 'Port', project: 'default', name }));
  t.deepEqual(store.apply([network('red', '10.3.0.0/24')], gone), []);
});

test('pairs with any unicast MAC address, and several ports with one pair, are taken', (t) => {
  const store = site();
  const pair = { address: '10.1.0.100', mac: '02:00:00:00:00:55' };
  t.deepEqual(store.apply([port('a', { mac: '02:00:00:00:00:55', allowedAddressPairs: [pair] })]), []);
  t.deepEqual(store.apply([port('b', { portSecurity: false, allowedAddressPairs: [pair] })]), []);
  t.deepEqual(store.apply([port('c', { allowedAddressPairs: [pair, { address: '0.0.0.0/0' }, { address: 'fe80::/64' }] })]), []);
  t.deepEqual(store.apply([port('vip', { addresses: ['10.1.0.100'] })]), []);
});

test('ports of several projects share the addresses of a shared network', (t) => {
  const store = site();
  const guest = { ...port('guest', { network: 'default/red' }), project: 'acme' };
  t.deepEqual(store.apply([guest]), []);
  t.deepEqual(store.get(keyOfWanted(guest))?.status.addresses, ['10.1.0.3']);
  const thief = { ...port('thief', { network: 'default/red', addresses: ['10.1.0.11'] }), project: 'acme' };
  t.regex(store.apply([thief])[0]?.message ?? '', /Port\/default\/web1/);
});

test('a network that stops to route is blamed itself', (t) => {
  const store = site();
  store.apply([router('r', 'red', 'blue')]);
  const bridged = { ...network('blue'), spec: { subnets: [{ cidr: '10.2.0.0/24' }], forwarding: 'l2' } };
  const [refusal] = store.apply([bridged]);
  t.like(refusal, { object: 'VirtualNetwork/default/blue', pointer: '/spec/forwarding' });
});

test('in a network that only bridges, the gateway it names is a port of the tenant, and the default one is not', (t) => {
  const store = new Store();
  const bridged = (gateway?: string) => ({
    ...network('red'),
    spec: { subnets: [{ cidr: '10.1.0.0/24', ...(gateway === undefined ? {} : { gateway }) }], forwarding: 'l2' },
  });
  t.deepEqual(store.apply([bridged('10.1.0.254'), port('router', { addresses: ['10.1.0.254'] }), port('a')]), []);
  t.deepEqual(store.get(keyOfWanted(port('a')))?.status.addresses, ['10.1.0.1']);
  t.regex(
    store.apply([network('red', { cidr: '10.1.0.0/24', gateway: '10.1.0.254' })])[0]?.message ?? '',
    /address of Port\/default\/router/,
  );
  const other = new Store();
  t.regex(other.apply([bridged(), port('a', { addresses: ['10.1.0.1'] })])[0]?.message ?? '', /gateway/);
});

test('a gateway may not become the pair of a port', (t) => {
  const store = site();
  store.apply([port('a', { allowedAddressPairs: [{ address: '10.1.0.100' }] })]);
  const [refusal] = store.apply([network('red', { cidr: '10.1.0.0/24', gateway: '10.1.0.100' })]);
  t.regex(refusal?.message ?? '', /address of Port\/default\/a/);
});
