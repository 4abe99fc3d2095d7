import type { Uplink } from '@weft/kernel/contract/net';
import { formatKey, type WeftObject } from '@weft/kernel/contract/system';
import test from 'ava';
import { type Refused, refuses } from '../test/refused.ts';
import { keyOfWanted, network, port, router, Store, trunk, uplink } from '../test/store.ts';

const underlay = (name: string, cidr: string, spec: Record<string, unknown> = {}) => {
  const wanted = network(name, cidr);
  return { ...wanted, spec: { ...wanted.spec, underlay: 'public', ...spec } };
};
const address = (text: string, why: string, says: RegExp): Refused => ({
  ...{ why, says, apply: [uplink('public', { addresses: ['198.51.100.1/24', text], gateways: [] })] },
  at: 'Uplink/public /spec/addresses/1',
});
const gateway = (text: string, why: string, says: RegExp): Refused => ({
  ...{ why, says, apply: [uplink('public', { addresses: ['192.0.2.1/24'], gateways: ['192.0.2.253', text] })] },
  at: 'Uplink/public /spec/gateways/1',
});
const bound = (why: string, binding: Record<string, unknown>, at: string, says: RegExp): Refused => ({
  ...{ why, says, at: `Uplink/public /spec/binding/${at}`, apply: [uplink('public', { binding })] },
});

refuses([
  address('192.0.2.1', 'an uplink address without a length', /write ADDRESS\/LENGTH, such as 192\.0\.2\.1\/24/),
  address('192.0.2.1/33', 'an impossible length of an uplink', /not an address with the length/),
  address('192.0.2.1/32', 'an uplink alone in its subnet', /8 to 31, not 32/),
  address('2001:db8::1/128', 'an IPv6 uplink alone in its subnet', /8 to 127, not 128/),
  address('192.0.2.0/24', "an uplink with the network's own address", /network's own or its broadcast/),
  address('192.0.2.255/24', 'an uplink with the broadcast address', /network's own or its broadcast/),
  address('fe80::1/64', 'a link-local address of an uplink', /fe80::\/10/),
  address('224.0.0.1/24', 'a multicast address of an uplink', /224\.0\.0\.0\/4/),
  address('198.51.100.1/24', 'an address of an uplink twice', /listed twice/),
  address(
    '198.51.100.129/25',
    'subnets of one uplink that overlap',
    /198\.51\.100\.128\/25 overlaps 198\.51\.100\.0\/24 of the same uplink/,
  ),
  gateway('nobody', 'a gateway that is no address', /not an IP address/),
  gateway('192.0.2.253', 'a gateway twice', /listed twice/),
  gateway('192.0.2.1', "the uplink's own address as its gateway", /own address/),
  gateway('198.51.100.1', 'a gateway elsewhere', /in no subnet of the uplink.*192\.0\.2\.0\/24/),
  gateway('192.0.2.255', 'the broadcast address as a gateway', /no host of 192\.0\.2\.0\/24/),
  gateway('2001:db8::1', 'a gateway of a family that the uplink has no subnet of', /in no subnet/),
  bound('an uplink without the interface', { type: 'interface' }, 'interface', /needs interface/),
  bound('an uplink with the interface of a trunk', { type: 'interface', interface: 'eth9' }, 'interface', /used by Trunk\/default\/trunk0/),
  bound(
    'an uplink with the link of a port',
    { type: 'netns', netns: 'vm1', interface: 'eth0' },
    'interface',
    /used by Port\/default\/web1/,
  ),
  bound('an uplink with the loopback interface', { type: 'interface', interface: 'lo' }, 'interface', /loopback/),
  bound('an uplink with a socket and an interface', { type: 'tap', interface: 't', socket: '/a' }, 'socket', /takes no socket/),
  {
    why: 'an MTU too small for IPv6 on an uplink',
    apply: [uplink('public', { addresses: ['2001:db8::1/64'], gateways: [], mtu: 1279 })],
    at: 'Uplink/public /spec/mtu',
    says: /at least 1280, not 1279/,
  },
  {
    why: 'an MTU too small for an IPv6 gateway',
    apply: [uplink('public', { gateways: ['fe80::1'], mtu: 1000 })],
    at: 'Uplink/public /spec/mtu',
    says: /at least 1280/,
  },
  {
    why: 'uplinks with subnets that overlap',
    apply: [uplink('a'), uplink('b', { addresses: ['192.0.2.129/25'], gateways: [] })],
    at: 'Uplink/b /spec/addresses/0',
    says: /192\.0\.2\.128\/25 overlaps 192\.0\.2\.0\/24 of Uplink\/a/,
  },
  {
    why: 'two uplinks on one interface',
    apply: [
      uplink('a', { binding: { type: 'interface', interface: 'eth1' } }),
      uplink('b', { binding: { type: 'interface', interface: 'eth1' }, addresses: ['198.51.100.1/24'], gateways: [], vlan: 7 }),
    ],
    at: 'Uplink/b /spec/binding/interface',
    says: /interface eth1 is used by Uplink\/a/,
  },
  {
    why: 'a port with the interface of an uplink',
    apply: [uplink('public'), port('thief', { binding: { type: 'interface', interface: 'up-public' } })],
    at: 'Port/default/thief /spec/binding/interface',
    says: /used by Uplink\/public/,
  },
  {
    why: 'native routing to a network that only bridges',
    apply: [uplink('public'), underlay('new', '10.9.0.0/24', { forwarding: 'l2' })],
    at: 'VirtualNetwork/default/new /spec/underlay',
    says: /bridges only.*forwarding: l2_l3/,
  },
  {
    why: 'natively routed networks that overlap',
    apply: [uplink('public'), underlay('one', '10.9.0.0/24'), underlay('two', '10.9.0.128/25')],
    at: 'VirtualNetwork/default/two /spec/subnets/0/cidr',
    says: /10\.9\.0\.128\/25 overlaps 10\.9\.0\.0\/24 of VirtualNetwork\/default\/one.*through uplink public/,
  },
  {
    why: 'a natively routed network that overlaps its uplink',
    apply: [uplink('public'), underlay('new', '192.0.2.64/26')],
    at: 'VirtualNetwork/default/new /spec/subnets/0/cidr',
    says: /overlaps 192\.0\.2\.0\/24 of Uplink\/public/,
  },
  {
    why: 'an allowed prefix that is none',
    apply: [uplink('public', { allowedPrefixes: ['203.0.113.0/24', '203.0.113.9'] })],
    at: 'Uplink/public /spec/allowedPrefixes/1',
    says: /203\.0\.113\.9 is not an IP prefix/,
  },
  {
    why: 'an allowed prefix with host bits',
    apply: [uplink('public', { allowedPrefixes: ['203.0.113.9/24'] })],
    at: 'Uplink/public /spec/allowedPrefixes/0',
    says: /write 203\.0\.113\.0\/24/,
  },
  {
    why: 'a natively routed network outside of what its uplink allows',
    apply: [uplink('public', { allowedPrefixes: ['10.9.0.0/25', '2001:db8::/32'] }), underlay('new', '10.9.0.0/24')],
    at: 'VirtualNetwork/default/new /spec/subnets/0/cidr',
    says: /10\.9\.0\.0\/24 is not in allowedPrefixes of Uplink\/public: choose a prefix in 10\.9\.0\.0\/25, 2001:db8::\/32, or have/,
  },
  {
    why: 'a natively routed network where nothing is allowed',
    apply: [uplink('public', { allowedPrefixes: [] }), underlay('new', '10.9.0.0/24')],
    at: 'VirtualNetwork/default/new /spec/subnets/0/cidr',
    says: /not in allowedPrefixes of Uplink\/public: have the administrator/,
  },
  {
    why: 'a natively routed network that holds the address of another uplink',
    apply: [uplink('public'), uplink('other', { addresses: ['8.8.8.1/30'], gateways: [] }), underlay('new', '8.0.0.0/8')],
    at: 'VirtualNetwork/default/new /spec/subnets/0/cidr',
    says: /8\.0\.0\.0\/8 holds 8\.8\.8\.1, the own address of Uplink\/other/,
  },
  {
    why: 'a natively routed network that holds a gateway of another uplink',
    apply: [uplink('public'), uplink('other', { addresses: ['8.8.8.1/24'], gateways: ['8.8.8.254'] }), underlay('new', '8.8.8.128/25')],
    at: 'VirtualNetwork/default/new /spec/subnets/0/cidr',
    says: /holds 8\.8\.8\.254, a gateway of Uplink\/other/,
  },
]);

test('what an uplink takes back must not be in use', (t) => {
  const store = new Store();
  t.deepEqual(store.apply([uplink('public', { allowedPrefixes: ['10.9.0.0/16'] }), underlay('new', '10.9.0.0/24')]), []);
  t.deepEqual(store.apply([underlay('new', '10.9.0.0/24', { mtu: 1400 })]), []);
  const refused = (...wanted: Parameters<Store['apply']>[0]) =>
    store.apply(wanted).map(({ object, pointer, message }) => `${object} ${pointer} ${message}`);
  const narrow = uplink('public', { allowedPrefixes: ['10.8.0.0/16'] });
  t.deepEqual(refused(narrow), [
    'Uplink/public /spec/allowedPrefixes 10.9.0.0/24 of VirtualNetwork/default/new, which is routed natively here, would not be in it',
  ]);
  t.is(refused(narrow, underlay('new', '10.9.0.0/23')).length, 1, 'of both, the network');
  t.deepEqual(refused(narrow, underlay('new', '10.8.7.0/24')), []);
  t.deepEqual(refused(uplink('public')), [], 'any again');
  t.deepEqual(refused(uplink('public', { allowedPrefixes: [] }), network('new', '10.8.7.0/24')), []);
});

test('an uplink whose address or gateway lies in a network that is routed through another one is refused', (t) => {
  const store = new Store();
  store.apply([uplink('public'), underlay('new', '10.9.0.0/24')]);
  const refusals = store.apply([
    uplink('b', { addresses: ['10.9.0.9/16'], gateways: ['10.9.1.1', '10.9.0.1'] }),
    uplink('c', { addresses: ['10.10.0.9/16'], gateways: [] }),
  ]);
  t.deepEqual(
    refusals.map(({ object, pointer, message }) => `${object} ${pointer} ${message}`),
    [
      'Uplink/b /spec/addresses/0 the own address 10.9.0.9 lies in 10.9.0.0/24 of VirtualNetwork/default/new, which is routed natively',
      'Uplink/b /spec/gateways/1 a gateway 10.9.0.1 lies in 10.9.0.0/24 of VirtualNetwork/default/new, which is routed natively',
    ],
  );
});

test('a natively routed network takes no outside address over, and learns nothing of other projects', (t) => {
  const store = new Store();
  store.apply([uplink('public'), { ...underlay('theirs', '10.9.0.0/24'), project: 'acme' }]);
  const add = (kind: string, project: string, name: string, spec: Record<string, unknown>) => {
    const metadata = { uid: 'u', revision: 1, generation: 1, createdAt: '', project, name };
    const object: WeftObject = { apiVersion: 'weft/v1', kind, metadata, spec, status: {} };
    store.committed.note(undefined, object);
    return object;
  };
  const web = add('FloatingIp', 'acme', 'web', { address: '8.8.8.8', target: { port: 'web' } });
  add('SnatPool', 'default', 'shared', { addresses: ['2001:db8:7::100', '9.9.9.9'] });
  add('SnatPool', 'default', 'own', { addresses: ['host'] });
  const says = (cidr: string) => store.apply([underlay('new', cidr)]).map(({ message }) => message);
  t.deepEqual(says('8.8.8.0/24'), ['8.8.8.0/24 holds an outside address of a FloatingIp of another project']);
  t.deepEqual(says('2001:db8:7::/64'), ['2001:db8:7::/64 holds an outside address of SnatPool/default/shared']);
  t.deepEqual(says('10.9.0.0/16'), [
    '10.9.0.0/16 overlaps 10.9.0.0/24 of a VirtualNetwork of another project, and both are reached through uplink public',
  ]);
  store.committed.note(web, undefined);
  t.deepEqual(says('8.8.8.0/24'), []);
});

const status = (store: Store, name: string) => store.get<Uplink>({ kind: 'Uplink', name })?.status;

test('what uplinks may have: both families, several gateways, links of two addresses, VLANs', (t) => {
  const store = new Store();
  t.deepEqual(
    store.apply([
      uplink('a', {
        addresses: ['192.0.2.1/24', '192.0.2.2/24', '2001:db8::1/64'],
        gateways: ['192.0.2.254', '192.0.2.253', 'fe80::1', '2001:DB8::FE'],
      }),
      uplink('b', { addresses: ['198.51.100.0/31', '2001:db8:1::/127'], gateways: ['198.51.100.1', '2001:db8:1::1'], vlan: 101 }),
      uplink('c', {
        binding: { type: 'netns', netns: 'outside', interface: 'weft0' },
        addresses: ['203.0.113.1/24'],
        gateways: ['fe80::1'],
      }),
    ]),
    [],
  );
  t.like(status(store, 'a'), { id: 1, network: 1, mac: '', phase: 'Pending' });
  t.deepEqual(
    status(store, 'a')?.gateways.map(({ address, reachable }) => [address, reachable]),
    ['192.0.2.254', '192.0.2.253', 'fe80::1', '2001:db8::fe'].map((each) => [each, false]),
  );
  t.deepEqual([status(store, 'b')?.id, status(store, 'b')?.trunk].sort(), [2, 3]);
  t.is(status(store, 'a')?.trunk, undefined);
});

test('numbers of uplinks come from the spaces of ports and of networks, and stay', (t) => {
  const store = new Store();
  store.apply([network('red', '10.1.0.0/24'), port('web1'), trunk('trunk0')]);
  store.apply([uplink('public')]);
  const before = status(store, 'public');
  t.like(before, { id: 3, network: 2 });
  store.apply([uplink('public', { vlan: 7, gateways: [] })]);
  const tagged = status(store, 'public');
  t.like(tagged, { id: 3, network: 2, trunk: 4 });
  store.apply([uplink('public'), port('web2'), network('blue', '10.2.0.0/24')]);
  t.like(status(store, 'public'), { trunk: 4 });
  t.is(store.objects.get('Port/default/web2')?.status.id, 5);
  t.is(store.objects.get('VirtualNetwork/default/blue')?.status.id, 3);
  store.apply([], [{ kind: 'Uplink', name: 'public' }]);
  t.deepEqual([...store.committed.uplinks], []);
});

test('what is known of a gateway stays when others come and go', (t) => {
  const store = new Store();
  store.apply([uplink('public', { gateways: ['192.0.2.254', '192.0.2.253'] })]);
  const known = ['192.0.2.254', '192.0.2.253'].map((address) => ({ address, reachable: true }));
  store.setStatus({ kind: 'Uplink', name: 'public' }, { gateways: known });
  store.apply([uplink('public', { gateways: ['192.0.2.252', '192.0.2.253'] })]);
  t.deepEqual(status(store, 'public')?.gateways, [
    { address: '192.0.2.252', reachable: false },
    { address: '192.0.2.253', reachable: true },
  ]);
});

test('an uplink that takes a subnet which a network is routed by is the one that is refused', (t) => {
  const store = new Store();
  store.apply([uplink('public'), underlay('new', '198.51.100.0/24')]);
  const refusals = store.apply([uplink('public', { addresses: ['192.0.2.1/24', '198.51.100.1/24'] })]);
  t.deepEqual(
    refusals.map(({ object, pointer }) => `${object} ${pointer}`),
    ['Uplink/public /spec/addresses/1'],
  );
});

test('a subnet or an interface that one uplink gives up another one may take in the same apply', (t) => {
  const store = new Store();
  store.apply([uplink('a'), underlay('new', '10.9.0.0/24', { underlay: 'a' })]);
  const swap = [
    uplink('a', { addresses: ['198.51.100.1/24'], gateways: [], binding: { type: 'tap', interface: 'up' } }),
    uplink('b', { binding: { type: 'interface', interface: 'up-a' } }),
    network('new', '10.8.0.0/24'),
    underlay('next', '10.9.0.0/24', { underlay: 'a' }),
  ];
  t.deepEqual(store.apply(swap), []);
  t.deepEqual([...(store.committed.underlays.get('a')?.keys() ?? [])], ['default/next']);
  t.is(formatKey(keyOfWanted(uplink('a'))), 'Uplink/a');
});

test('a router may name a pool: the plugin snat makes the way out', (t) => {
  const store = new Store();
  const core = router('core', 'red');
  const external = { ...core, spec: { ...core.spec, external: { snatPool: 'public' } } };
  t.deepEqual(store.apply([network('red', '10.1.0.0/24'), external]), []);
});
