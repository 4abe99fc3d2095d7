import test from 'ava';
import { site } from '../test/refused.ts';
import { keyOfWanted, network, port, router } from '../test/store.ts';

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

test('a pair with the own MAC address, or without port security, is taken', (t) => {
  const store = site();
  const pair = { address: '10.1.0.100', mac: '02:00:00:00:00:55' };
  t.deepEqual(store.apply([port('a', { mac: '02:00:00:00:00:55', allowedAddressPairs: [pair] })]), []);
  t.deepEqual(store.apply([port('b', { portSecurity: false, allowedAddressPairs: [pair] })]), []);
});

test('ports of several projects share the addresses of a shared network', (t) => {
  const store = site();
  const guest = { ...port('guest', { network: 'default/red' }), project: 'acme' };
  t.deepEqual(store.apply([guest]), []);
  t.deepEqual(store.get(keyOfWanted(guest))?.status.addresses, ['10.1.0.3']);
  const thief = { ...port('thief', { network: 'default/red', addresses: ['10.1.0.11'] }), project: 'acme' };
  t.regex(store.apply([thief])[0]?.message ?? '', /Port\/default\/web1/);
});
