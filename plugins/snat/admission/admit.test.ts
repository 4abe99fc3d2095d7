import type { SnatPool, Uplink } from '@weft/kernel/contract/net';
import type { Change, WeftObject } from '@weft/kernel/contract/system';
import { keyOf } from '@weft/kernel/contract/system';
import test from 'ava';
import type { Site } from '../site.ts';
import { ip, network, pool, port, router, siteOf, title, uplink, world } from '../test/world.ts';
import { admit } from './admit.ts';

const other = uplink('other', 1, ['198.51.100.2/24']);
const red = network('red', 1);
const vm = port('vm', 11, ['10.1.0.11', '2001:db8:1::11']);
const base = [world, red, vm] as const;

type Any = WeftObject<object, object>;

function write(site: Site, objects: readonly Any[], config = { maxAddresses: 64 }) {
  const changes = objects.map((object): Change => {
    const before = site.get<WeftObject>(title(object)) ?? null;
    return { op: before === null ? 'create' : 'update', key: keyOf(object), before, after: object as WeftObject };
  });
  return admit({ revision: 1, dryRun: false, changes }, site, config);
}

/** Pointers of what is refused; each refusal says how to mend it. */
const refused = (site: Site, ...objects: readonly Any[]) =>
  write(site, objects).refusals.map(({ pointer, message, fix }) => (fix ? `${pointer}: ${message}` : 'no fix'));

test('a pool gets a number that no pool had before, and says what it waits for', (t) => {
  const site = siteOf(...base, pool('old', ['192.0.2.9'], {}, 7));
  site.put('SnatPool/default/old', undefined);
  const { patches, refusals } = write(site, [pool('a', ['192.0.2.8']), pool('b', ['192.0.2.10'])]);
  t.deepEqual(refusals, []);
  t.deepEqual(
    patches.map(({ status }) => status.id),
    [8, 9],
  );
  t.like(patches[0]?.status, { phase: 'Pending', uplink: 'world', assignments: [], reason: 'the forwarder does not have it yet' });
});

test('admission leaves what is committed as it is', (t) => {
  const site = siteOf(...base);
  write(site, [ip('f', '192.0.2.8', 'vm')]);
  t.is(site.count('FloatingIp'), 0);
  t.deepEqual(site.holders('192.0.2.8'), []);
  t.deepEqual(refused(site, ip('g', '192.0.2.8', 'vm')), []);
});

for (const [name, objects, pointer] of [
  ['no address', [pool('a', ['192.0.2.300'])], '/spec/addresses/0: 192.0.2.300 is not an IP address'],
  ['a prefix', [pool('a', ['198.19.77.101/30'])], '/spec/addresses/0: 198.19.77.101/30 is a prefix'],
  ['a prefix as a floating IP', [ip('f', '192.0.2.8/32', 'vm')], '/spec/address: 192.0.2.8/32 is a prefix'],
  ['a multicast address', [pool('a', ['224.0.0.1'])], '/spec/addresses/0: 224.0.0.1 is a multicast address'],
  ['an own address', [pool('a', ['192.0.2.2'])], '/spec/addresses/0: 192.0.2.2 is the own address of Uplink/world'],
  ['a gateway', [ip('f', '192.0.2.1', 'vm')], '/spec/address: 192.0.2.1 is a gateway of Uplink/world'],
  [
    'a broadcast address',
    [ip('f', '192.0.2.255', 'vm')],
    '/spec/address: 192.0.2.255 is the first or last address of its subnet, which names no host',
  ],
  ['an address twice', [pool('a', ['192.0.2.8', '192.0.2.8'])], '/spec/addresses/1: 192.0.2.8 is listed twice'],
  ['host and others', [pool('a', ['host', '192.0.2.8'])], '/spec/addresses: host stands for all addresses of a pool, and there are others'],
  ['a block size that is no power of two', [pool('a', ['192.0.2.8'], { blockSize: 100 })], '/spec/blockSize: 100 is no power of two'],
  [
    'blocks that do not fit',
    [pool('a', ['192.0.2.8'], { ports: '1100-2000' })],
    '/spec/blockSize: no block of 512 ports fits into 1100-2000: blocks begin at multiples of their size',
  ],
  ['a range from behind', [pool('a', ['192.0.2.8'], { ports: '2000-1000' })], '/spec/ports: 2000-1000 is no range of ports'],
  ['a range beyond the ports', [pool('a', ['192.0.2.8'], { ports: '1024-70000' })], '/spec/ports: 1024-70000 is no range of ports'],
  ['a port that is not there', [ip('f', '192.0.2.8', 'gone')], '/spec/target/port: there is no Port gone in project default'],
  [
    'an address that the port does not have',
    [ip('f', '192.0.2.8', 'vm', { target: { port: 'vm', address: '10.1.0.12' } })],
    '/spec/target/address: Port vm has not the address 10.1.0.12',
  ],
  [
    'an address of the other family',
    [ip('f', '192.0.2.8', 'vm', { target: { port: 'vm', address: '2001:db8:1::11' } })],
    '/spec/target/address: 2001:db8:1::11 is IPv6, 192.0.2.8 is IPv4',
  ],
  [
    'a port of a network that bridges',
    [network('l2', 2, { forwarding: 'l2' }), port('b', 12, ['10.1.0.12'], { network: 'l2' }), ip('f', '192.0.2.8', 'b')],
    '/spec/target/port: the network of Port b has forwarding l2: it has no gateway, nothing leaves it',
  ],
  [
    'an address of a network that is routed natively',
    [network('native', 2, { underlay: 'world', subnets: [{ cidr: '203.0.113.0/24', dhcp: true }] }), ip('f', '203.0.113.8', 'vm')],
    '/spec/address: 203.0.113.8 is in a subnet of VirtualNetwork/default/native, which is routed natively',
  ],
] as const)
  test(`refused with field and fix: ${name}`, (t) => {
    t.deepEqual(refused(siteOf(...base), ...objects), [pointer]);
  });

test('an outside address has one holder; of another project nothing is told', (t) => {
  const site = siteOf(...base, pool('a', ['192.0.2.8'], {}, 1), port('p/vm', 12), network('p/red', 2));
  t.deepEqual(refused(site, ip('f', '192.0.2.8', 'vm')), ['/spec/address: 192.0.2.8 is taken by SnatPool/default/a']);
  t.deepEqual(refused(site, ip('p/f', '192.0.2.8', 'vm')), ['/spec/address: 192.0.2.8 is taken by a SnatPool of another project']);
  t.deepEqual(refused(site, ip('f', '192.0.2.9', 'vm'), ip('g', '192.0.2.9', 'vm')).length, 2);
  t.deepEqual(refused(site, pool('b', ['2001:DB8:F::8', '2001:db8:f:0::8'])), ['/spec/addresses/1: 2001:db8:f:0::8 is listed twice']);
});

test('one address inside may have several floating IPs, of one family each', (t) => {
  const site = siteOf(...base, ip('f', '192.0.2.8', 'vm'));
  t.deepEqual(refused(site, ip('g', '192.0.2.9', 'vm'), ip('six', '2001:db8:f::9', 'vm')), []);
  const { patches } = write(site, [ip('six', '2001:db8:f::9', 'vm')]);
  t.like(patches[0]?.status, { uplink: 'world', inside: '2001:db8:1::11', phase: 'Pending' });
});

test('addresses of pairs of the port may be meant', (t) => {
  const pairs = port('pair', 12, [], { allowedAddressPairs: [{ address: '10.1.0.100' }, { address: '10.9.0.0/24' }] });
  const site = siteOf(...base, pairs);
  t.deepEqual(refused(site, ip('f', '192.0.2.8', 'pair')), []);
  t.is(refused(site, ip('f', '192.0.2.8', 'pair', { target: { port: 'pair', address: '10.9.0.1' } })).length, 1);
});

test('the uplink must be clear when there are several, and may come later', (t) => {
  const two = siteOf(...base, other);
  t.deepEqual(refused(two, pool('a', ['203.0.113.8'])), [
    '/spec/uplink: several uplinks could have it: other, world, as no subnet of one holds the address',
  ]);
  t.deepEqual(refused(two, pool('a', ['203.0.113.8'], { uplink: 'other' })), []);
  t.deepEqual(refused(two, pool('a', ['192.0.2.8'], { uplink: 'other' })), [
    '/spec/addresses/0: the address lies in a subnet of Uplink/world, not of Uplink/other',
  ]);
  t.deepEqual(refused(two, pool('a', ['192.0.2.8', '198.51.100.8'])), [
    '/spec/addresses/1: 198.51.100.8 is behind Uplink/other, the addresses before it are behind Uplink/world',
  ]);
  const { patches, refusals } = write(siteOf(red, vm), [ip('f', '192.0.2.8', 'vm')]);
  t.deepEqual(refusals, []);
  t.like(patches[0]?.status, { phase: 'Pending', reason: 'there is no Uplink yet' });
});

test('what is decided stays when another uplink comes; only new addresses must name one', (t) => {
  const wide = uplink('wide', 2, ['203.0.113.2/24']);
  const decided = { uplink: 'world', phase: 'Active', reason: '' };
  const old = { ...ip('f', '203.0.113.8', 'vm'), status: { ...decided, inside: '10.1.0.11' } } as const;
  const shared = pool('a', ['203.0.113.9'], {}, 1);
  const assignments = [{ address: '203.0.113.9', appliance: 'weft1' }];
  const used: SnatPool = { ...shared, status: { ...shared.status, uplink: 'world', assignments } };
  for (const site of [siteOf(...base, other, old, used), siteOf(...base, wide, old, used)]) {
    const labelled = { ...old, spec: { ...old.spec, target: { port: 'vm', address: '10.1.0.11' } } };
    t.like(write(site, [labelled]).patches[0]?.status, { uplink: 'world' });
    t.like(write(site, [{ ...used, spec: { ...used.spec, blockSize: 64 } }]).patches[0]?.status, { uplink: 'world', assignments });
  }
  const site = siteOf(...base, other, old, used);
  const moved = { ...old, spec: { ...old.spec, address: '203.0.113.10' } };
  const unclear = '/spec/uplink: several uplinks could have it: other, world, as no subnet of one holds the address';
  t.deepEqual(refused(site, moved), [unclear]);
  t.deepEqual(refused(site, ip('g', '203.0.113.10', 'vm')), [unclear]);
  t.deepEqual(refused(site, { ...used, spec: { ...used.spec, addresses: ['203.0.113.11'] } }), [unclear]);
  t.deepEqual(refused(site, { ...used, spec: { ...used.spec, addresses: ['203.0.113.9', '203.0.113.11'] } }), [], 'beside one of the pool');
  t.like(write(site, [{ ...old, spec: { ...old.spec, uplink: 'other' } }]).patches[0]?.status, { uplink: 'other' });
});

test('the own addresses of an uplink are shared by one pool', (t) => {
  const site = siteOf(...base, other, pool('a', ['host'], { uplink: 'world' }, 1));
  t.deepEqual(refused(site, pool('b', ['host'], { uplink: 'world' })), [
    '/spec/addresses/0: SnatPool/default/a shares the own addresses of Uplink/world already',
  ]);
  t.deepEqual(refused(site, pool('b', ['host'], { uplink: 'other' })), []);
  t.is(refused(site, pool('b', ['host'])).length, 1);
});

test('a network has one way out', (t) => {
  const site = siteOf(...base, other, pool('a', ['198.51.100.8'], {}, 1), router('r', ['red'], 'a'));
  t.deepEqual(refused(site, ip('f', '192.0.2.8', 'vm')), [
    '/spec/address: it is behind Uplink/world, and the network of Port vm leaves through Uplink/other (the pool of its router)',
  ]);
  t.deepEqual(refused(site, ip('f', '198.51.100.9', 'vm')), []);
  const first = siteOf(...base, other, ip('f', '192.0.2.8', 'vm'));
  t.is(refused(first, ip('g', '198.51.100.9', 'vm')).length, 1);
  const native = siteOf(world, other, network('red', 1, { underlay: 'world' }), vm);
  t.is(refused(native, ip('g', '198.51.100.9', 'vm')).length, 1);
});

test('a pool does not move away from the floating IPs of the networks that use it', (t) => {
  const site = siteOf(...base, other, pool('a', ['192.0.2.8'], {}, 1), router('r', ['red'], 'a'), ip('f', '192.0.2.9', 'vm'));
  t.deepEqual(refused(site, pool('a', ['198.51.100.8'], {}, 1)), [
    '/spec/addresses: the pool is behind Uplink/world, and VirtualNetwork/default/red, which uses it, leaves through Uplink/other'.replace(
      /world(.*)other/,
      'other$1world',
    ),
  ]);
});

test('objects of one transaction are seen together, and what goes counts no more', (t) => {
  const site = siteOf(ip('f', '192.0.2.8', 'vm'));
  const changes: Change[] = [
    ...[world, red, vm].map(
      (object): Change => ({ op: 'create', key: keyOf(object), before: null, after: object as unknown as WeftObject }),
    ),
    { op: 'delete', key: keyOf(ip('f', '192.0.2.8', 'vm')), before: ip('f', '192.0.2.8', 'vm') as unknown as WeftObject, after: null },
    { op: 'create', key: keyOf(ip('g', '192.0.2.8', 'vm')), before: null, after: ip('g', '192.0.2.8', 'vm') as unknown as WeftObject },
  ];
  const { refusals, patches } = admit({ revision: 1, dryRun: false, changes }, site, { maxAddresses: 64 });
  t.deepEqual(refusals, []);
  t.like(patches[0]?.status, { inside: '10.1.0.11', uplink: 'world' });
});

test('pools have so many addresses in all', (t) => {
  const site = siteOf(...base, pool('a', ['192.0.2.8'], {}, 1));
  const { refusals } = write(site, [pool('b', ['192.0.2.9', '192.0.2.10'])], { maxAddresses: 2 });
  t.like(refusals[0], { object: 'SnatPool/default/b', pointer: '/spec/addresses' });
});

test('what says the same as before is not looked at again', (t) => {
  const site = siteOf(...base, pool('a', ['192.0.2.2'], {}, 1));
  t.deepEqual(refused(site, pool('a', ['192.0.2.2'], {}, 1)), []);
  t.deepEqual(write(site, [pool('a', ['192.0.2.2'], {}, 1)]).patches, []);
});

test('a pool of a network that is routed natively is behind the same uplink', (t) => {
  const native = network('red', 1, { underlay: 'world', subnets: [{ cidr: '203.0.113.0/24', dhcp: true }] });
  const site = siteOf(world, other, native, pool('a', ['192.0.2.8'], {}, 1), router('r', ['red'], 'a'));
  t.deepEqual(refused(site, pool('a', ['192.0.2.9'], {}, 1)), []);
  t.regex(refused(site, pool('a', ['198.51.100.8'], {}, 1)).join(), /which uses it, leaves through Uplink\/world$/);
});

test('an uplink says which addresses there are for projects', (t) => {
  const allowedPrefixes = ['192.0.2.8/31', '203.0.113.0/24', '2001:db8:f::/64'];
  const some: Uplink = { ...world, spec: { ...world.spec, allowedPrefixes } };
  const none: Uplink = { ...world, spec: { ...world.spec, allowedPrefixes: [] } };
  const site = siteOf(some, red, vm);
  const hint = `choose one in ${allowedPrefixes.join(', ')}, or have the administrator allow it`;
  const told = (at: Site, object: Any) => write(at, [object]).refusals.map(({ pointer, message, fix }) => `${pointer}: ${message}: ${fix}`);
  for (const [text, pointer] of [
    ['8.8.8.8', '/spec/address'],
    ['192.0.2.10', '/spec/address'],
    ['2001:db8:e::1', '/spec/address'],
  ] as const)
    t.deepEqual(told(site, ip('f', text, 'vm')), [`${pointer}: ${text} is not in allowedPrefixes of Uplink/world: ${hint}`]);
  t.deepEqual(told(site, ip('f', '8.8.8.8', 'vm', { uplink: 'world' })).length, 1);
  t.deepEqual(told(site, pool('a', ['192.0.2.8', '192.0.2.10'])), [
    `/spec/addresses/1: 192.0.2.10 is not in allowedPrefixes of Uplink/world: ${hint}`,
  ]);
  t.deepEqual(refused(site, pool('a', ['192.0.2.8', '203.0.113.7', '2001:db8:f::8']), ip('f', '192.0.2.9', 'vm')), []);
  const closed = siteOf(none, red, vm);
  t.deepEqual(told(closed, pool('a', ['192.0.2.8'])), [
    '/spec/addresses/0: 192.0.2.8 is not in allowedPrefixes of Uplink/world: have the administrator allow it',
  ]);
  t.deepEqual(refused(closed, pool('a', ['host'])), []);
  t.deepEqual(refused(siteOf(...base), ip('f', '8.8.8.8', 'vm')), [], 'without it: any');
});
