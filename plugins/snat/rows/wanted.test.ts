import { natFlags, nexthopTypes, routeSources, type Uplink } from '@weft/kernel/contract/net';
import test from 'ava';
import { ip, network, pool, port, router, siteOf, uplink, world } from '../test/world.ts';
import { ipWants, networkWants, poolWants, uplinkWants } from './wanted.ts';

const red = network('red', 1);
const vm = port('vm', 11, ['10.1.0.11', '2001:db8:1::11']);
const shared = pool('out', ['192.0.2.8', '2001:DB8:F:0::8'], {}, 7);
const way = router('r', ['red'], 'out');
const routes = ['0.0.0.0', '::'].map((address) => ({
  table: 'route',
  vrf: 1,
  prefixLength: 0,
  address,
  source: routeSources.external,
  nexthop: 100,
}));

test('a network whose router names a pool leaves through the uplink of the pool', (t) => {
  const site = siteOf(world, red, shared, way);
  t.deepEqual(networkWants(red, site).rows, [{ table: 'vrf_nat', vrf: 1, pool: 7, port: 40 }, ...routes] as never);
  t.like(uplinkWants(world).rows[0], { table: 'nexthop', id: 100, type: nexthopTypes.vrf, target: 100 });
});

test('one with floating IPs only leaves without a pool', (t) => {
  const site = siteOf(world, red, vm, ip('f', '192.0.2.9', 'vm'));
  t.deepEqual(networkWants(red, site).rows, [{ table: 'vrf_nat', vrf: 1, pool: 0, port: 40 }, ...routes] as never);
});

test('one that is routed natively reaches outside addresses from inside; its routes are not ours', (t) => {
  const native = network('red', 1, { underlay: 'world' });
  t.deepEqual(networkWants(native, siteOf(world, native)).rows, [{ table: 'vrf_nat', vrf: 1, pool: 0, port: 40 }]);
});

test('one that has no way out, or bridges, has no rows', (t) => {
  t.deepEqual(networkWants(red, siteOf(world, red, shared)).rows, []);
  t.deepEqual(networkWants(red, siteOf(red, shared, way)).rows, []);
  const l2 = network('red', 1, { forwarding: 'l2' });
  t.deepEqual(networkWants(l2, siteOf(world, l2, shared, way)).rows, []);
});

test('each address of a pool is a row with what the pool says', (t) => {
  const { rows, status } = poolWants(shared, siteOf(world, shared), 'weft1');
  const common = { table: 'nat_address', port: 40, pool: 7, portMin: 1024, portMax: 65_535, blockSize: 512, portBlocks: 8 };
  t.deepEqual(rows, [
    { ...common, address: '192.0.2.8', flags: natFlags.reuse },
    { ...common, address: '2001:db8:f::8', flags: natFlags.reuse },
  ] as never);
  t.deepEqual(status, {
    phase: 'Active',
    uplink: 'world',
    assignments: [
      { address: '192.0.2.8', appliance: 'weft1' },
      { address: '2001:db8:f::8', appliance: 'weft1' },
    ],
    reason: '',
  });
});

test('settings of a pool are flags', (t) => {
  const strict = pool(
    'a',
    ['host'],
    { mapping: 'address-and-port-dependent', filtering: 'address-and-port-dependent', tcpPortReuse: false },
    1,
  );
  const { rows } = poolWants(strict, siteOf(world, strict), 'x');
  t.deepEqual(
    rows.map((row) => row.table === 'nat_address' && [row.address, row.flags]),
    ['192.0.2.2', '2001:db8:f::2'].map((address) => [address, natFlags.host | natFlags.dependentMapping | natFlags.dependentFiltering]),
  );
});

test('a pool without an uplink says so', (t) => {
  t.deepEqual(poolWants(shared, siteOf(shared), 'x'), {
    rows: [],
    status: { phase: 'Pending', uplink: '', assignments: [], reason: 'there is no Uplink yet' },
  });
});

test('what came after it counts: an address that an uplink has by now is left out', (t) => {
  const site = siteOf(uplink('world', 0, ['192.0.2.8/24', '2001:db8:f::2/64']), shared);
  const { rows, status } = poolWants(shared, site, 'x');
  t.is(rows.length, 1);
  t.like(status, { phase: 'Active', reason: '192.0.2.8 is left out: it is the own address of Uplink/world' });
});

test('a floating IP knows its subnet, its port and the address inside', (t) => {
  const four = ip('f', '192.0.2.9', 'vm');
  const six = ip('g', '2001:db8:f::9', 'vm');
  const beyond = ip('h', '203.0.113.9', 'vm');
  const site = siteOf(world, red, vm, four, six, beyond);
  const row = { table: 'floating_ip', port: 40, insidePort: 11 };
  t.deepEqual(ipWants(four, site).rows, [{ ...row, address: '192.0.2.9', prefixLength: 24, inside: '10.1.0.11' }] as never);
  t.deepEqual(ipWants(six, site).rows, [{ ...row, address: '2001:db8:f::9', prefixLength: 64, inside: '2001:db8:1::11' }] as never);
  t.deepEqual(ipWants(beyond, site).rows, [{ ...row, address: '203.0.113.9', prefixLength: 0, inside: '10.1.0.11' }] as never);
  t.deepEqual(ipWants(four, site).status, { phase: 'Active', uplink: 'world', inside: '10.1.0.11', reason: '' });
});

test('a floating IP whose port has lost the address waits and says why', (t) => {
  const late = ip('f', '192.0.2.9', 'vm', { target: { port: 'vm', address: '10.1.0.12' } });
  t.like(ipWants(late, siteOf(world, red, vm, late)), {
    rows: [],
    status: { phase: 'Pending', reason: 'Port vm has no address 10.1.0.12' },
  });
});

test('a pool that its router got later decides the way out; floating IPs elsewhere say so', (t) => {
  const other = uplink('other', 1, ['198.51.100.2/24']);
  const far = ip('f', '198.51.100.9', 'vm');
  const site = siteOf(world, other, red, vm, far, shared, way);
  t.like(networkWants(red, site).rows[0], { table: 'vrf_nat', port: 40 });
  t.like(ipWants(far, site), {
    rows: [],
    status: { phase: 'Pending', reason: 'the way out of VirtualNetwork red is Uplink/world, not Uplink/other' },
  });
});

test('what an uplink does not allow any more has no row and says so, as the addresses beside it do not', (t) => {
  const narrow: Uplink = { ...world, spec: { ...world.spec, allowedPrefixes: ['192.0.2.8/32'] } };
  const floating = ip('f', '192.0.2.9', 'vm');
  const host = pool('by-host', ['host'], {}, 8);
  const site = siteOf(narrow, red, vm, shared, floating, host, way);
  const { rows, status } = poolWants(shared, site, 'weft1');
  t.deepEqual(
    rows.map((row) => 'address' in row && row.address),
    ['192.0.2.8'],
  );
  t.like(status, { phase: 'Active', reason: '2001:db8:f::8 is left out: it is not in allowedPrefixes of Uplink/world' });
  t.deepEqual(ipWants(floating, site).rows, []);
  t.like(ipWants(floating, site).status, { phase: 'Pending', reason: '192.0.2.9 is not in allowedPrefixes of Uplink/world' });
  t.is(poolWants(host, site, 'weft1').rows.length, 2);
  t.true(site.put('Uplink/world', world as never).has('FloatingIp/default/f'), 'a change is news');
  t.like(ipWants(floating, site).status, { phase: 'Active' });
});
