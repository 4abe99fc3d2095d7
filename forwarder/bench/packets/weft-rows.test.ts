import { portFlags, type Row, readRows, ruleActions, ruleDirections, type TableName, tables } from '@weft/kernel/contract/net';
import test from 'ava';
import { plan, type Scenario } from './scenario.ts';
import { portCount, weftBatches } from './weft-rows.ts';

/** Rows of a table, out of the operations. */
function rowsOf<T extends TableName>(scenario: Scenario, table: T): Extract<Row, { table: T }>[] {
  const ops = Buffer.concat([...weftBatches(scenario)]);
  const rows: Buffer[] = [];
  for (let at = 0; at < ops.length; ) {
    const bytes = ops.readUInt16LE(at + 2);
    if (ops.readUInt8(at + 1) === tables[table].number) rows.push(ops.subarray(at + 8, at + 8 + bytes));
    at += 8 + ((bytes + 7) & ~7);
  }
  return readRows(table, Buffer.concat(rows)) as Extract<Row, { table: T }>[];
}

test('routes lie side by side and lead to the server', (t) => {
  const routes = rowsOf({ kind: 'l3', routes: 12_000, family: 4 }, 'route');
  t.is(routes.length, 12_000);
  t.like(routes[0], { vrf: 1, prefixLength: 24, address: '20.0.0.0', nexthop: 1 });
  t.is(routes[257]?.address, '20.1.1.0');
  t.is(routes[11_999]?.address, '20.46.223.0');
  t.like(rowsOf({ kind: 'l3', routes: 1, family: 4 }, 'nexthop')[0], { id: 1, port: 2, bridge: 2, mac: plan.server.mac });
});

test('IPv6 routes differ before the 64th bit', (t) => {
  const routes = rowsOf({ kind: 'l3', routes: 300, family: 6 }, 'route');
  t.like(routes[299], { prefixLength: 64, address: '2001:db8:8000:12b::' });
});

test('MAC addresses are numbered and behind port 2, on the bridge of both ports', (t) => {
  const scenario: Scenario = { kind: 'l2', macs: 300 };
  t.deepEqual(rowsOf(scenario, 'mac')[299], { table: 'mac', bridge: 1, mac: '06:00:00:00:01:2b', port: 2 });
  t.deepEqual(
    rowsOf(scenario, 'port').map(({ bridge, interface: name }) => [bridge, name]),
    [
      [1, 'net_null0'],
      [1, 'net_null1'],
    ],
  );
});

test('VLANs are ports of trunks', (t) => {
  const ports = rowsOf({ kind: 'vlan' }, 'port');
  t.is(ports.length, portCount({ kind: 'vlan' }));
  t.deepEqual(
    ports.map(({ parent, vlan, bridge }) => [parent, vlan, bridge]),
    [
      [0, 0, 0],
      [0, 0, 0],
      [1, 101, 1],
      [2, 102, 2],
    ],
  );
  t.is(rowsOf({ kind: 'vlan' }, 'nexthop')[0]?.port, 4);
});

test('gateways of both families are there to be asked for', (t) => {
  const gateways = rowsOf({ kind: 'nd' }, 'neighbor').filter(({ bridge }) => bridge === 1);
  t.deepEqual(
    gateways.map(({ address, mac, flags }) => [address, mac, flags]),
    [
      ['10.0.0.1', plan.gateway.mac, 1],
      ['2001:db8::1', plan.gateway.mac, 1],
    ],
  );
});

test('the last of many rules lets the load pass', (t) => {
  const rules = rowsOf({ kind: 'acl', rules: 1_001 }, 'rule').filter(({ direction }) => direction === ruleDirections.egress);
  t.is(rules.length, 1_001);
  t.like(rules[999], { action: ruleActions.deny, address: '20.3.231.0', prefixLength: 24, portMin: 10_999, portMax: 10_999 });
  t.like(rules[1_000], { action: ruleActions.allow, priority: 1, portMin: 9, address: '16.0.0.0', prefixLength: 4 });
  t.true(rowsOf({ kind: 'acl', rules: 1 }, 'port').every(({ flags }) => flags === portFlags.policyRequired));
});

test('with connection tracking the server may start nothing', (t) => {
  const rules = rowsOf({ kind: 'stateful' }, 'rule');
  t.deepEqual(
    rules.map(({ group, direction }) => [group, direction]),
    [
      [17, ruleDirections.ingress],
      [16, ruleDirections.egress],
    ],
  );
  t.like(
    rowsOf({ kind: 'stateful' }, 'route').find(({ prefixLength }) => prefixLength === 8),
    { address: '10.0.0.0', nexthop: 2 },
  );
});

test('the way out leads through the VRF of the uplink, which has the routes', (t) => {
  const routes = rowsOf({ kind: 'snat' }, 'route');
  t.is(routes.filter(({ vrf }) => vrf === 2).length, 1_000);
  const way = routes.find(({ prefixLength }) => prefixLength === 0);
  t.like(
    rowsOf({ kind: 'snat' }, 'nexthop').find(({ id }) => id === way?.nexthop),
    { type: 5, target: 2 },
  );
  t.deepEqual(
    rowsOf({ kind: 'snat' }, 'port').map(({ flags }) => flags),
    [0, portFlags.uplink],
  );
  const addresses = rowsOf({ kind: 'snat' }, 'nat_address').map(({ address }) => address);
  t.deepEqual([addresses.length, addresses.at(-1)], [plan.snat.count, '203.0.113.32']);
});

test('a floating address stands for the client, and rules guard who asks for them', (t) => {
  t.like(rowsOf({ kind: 'fip' }, 'floating_ip')[0], { address: plan.snat.first, insidePort: 1, inside: plan.client.address });
  t.is(rowsOf({ kind: 'fip' }, 'nat_address').length, 0);
  t.is(rowsOf({ kind: 'guarded-snat' }, 'rule').length, 1_000);
  t.is(rowsOf({ kind: 'guarded-snat' }, 'port')[0]?.flags, portFlags.policyRequired | portFlags.portSecurity);
  t.like(rowsOf({ kind: 'guarded-snat' }, 'source')[0], { port: 1, prefixLength: 32, address: plan.client.address });
});

test('what Weft does not do is refused by name', (t) => {
  t.throws(() => [...weftBatches({ kind: 'vxlan' })], { message: /no rows for the scenario vxlan/ });
});
