import test from 'ava';
import { plan, type Scenario } from '../scenario.ts';
import { ovs } from './ovs.ts';
import { acl, bridging, destination, floating, guardedSnat, macAddress, routing, snat, vrouter } from './ovs-flows.ts';
import { type Bridge, layoutOf } from './ovs-layout.ts';
import { describe, flowsOf, tuningOf } from './ovs-tuning.ts';

const scenarios: readonly Scenario[] = [
  { kind: 'l2', macs: 3 },
  { kind: 'l3', routes: 3, family: 4 },
  { kind: 'l3', routes: 3, family: 6 },
  { kind: 'vlan' },
  { kind: 'arp' },
  { kind: 'nd' },
  { kind: 'stateful' },
  { kind: 'snat' },
  { kind: 'fip' },
  { kind: 'guarded-snat' },
  { kind: 'vxlan' },
  { kind: 'acl', rules: 10 },
  { kind: 'vrouter' },
];

const flowsIn = (text: string) => text.split('\n').filter((line) => line !== '');

test('every scenario but the bare limit has bridges with flows', (t) => {
  for (const scenario of scenarios) {
    t.true(ovs.supports(scenario), scenario.kind);
    for (const bridge of layoutOf(scenario) ?? []) t.true(flowsIn(bridge.flows).length > 0, `${scenario.kind}: ${bridge.name} has no flow`);
  }
  t.false(ovs.supports({ kind: 'limit', mode: 'io' }));
  t.false(ovs.supports({ kind: 'l2', macs: 1_000_000 }));
});

test('both devices are ports of every scenario, each once, and port numbers of a bridge differ', (t) => {
  const duplicates = (bridge: Bridge) => bridge.ports.length - new Set(bridge.ports.map(({ number }) => number)).size;
  for (const scenario of scenarios) {
    const bridges = layoutOf(scenario) ?? [];
    const devices = bridges.flatMap((bridge) => bridge.ports).flatMap(({ options }) => options['dpdk-devargs'] ?? []);
    t.deepEqual(devices.toSorted(), ['net_null0', 'net_null1'], scenario.kind);
    t.deepEqual(
      bridges.map(duplicates),
      bridges.map(() => 0),
      scenario.kind,
    );
  }
});

test('a flow is a line with one match and actions, and no two flows of a table are the same', (t) => {
  for (const scenario of scenarios) {
    for (const { flows } of layoutOf(scenario) ?? []) {
      const matches = flowsIn(flows).map((line) => /^([a-zA-Z0-9_=.,:/+-]+),actions=.+$/.exec(line)?.[1] ?? `not a flow: ${line}`);
      t.deepEqual(
        matches.filter((match) => match.startsWith('not a flow')),
        [],
      );
      t.is(new Set(matches).size, matches.length, scenario.kind);
    }
  }
});

test('routes lie side by side and cross octets and groups', (t) => {
  t.is(destination(0, 4), 'nw_dst=20.0.0.0/24');
  t.is(destination(257, 4), 'nw_dst=20.1.1.0/24');
  t.is(destination(999_999, 4), 'nw_dst=35.66.63.0/24');
  t.is(destination(0, 6), 'ipv6_dst=2001:db8:8000:0::/64');
  t.is(destination(0x1_0002, 6), 'ipv6_dst=2001:db8:8001:2::/64');
  t.is(flowsIn(routing(1_000, 4)).length, 1_000);
});

test('MAC addresses are 06:00 and a number', (t) => {
  t.is(macAddress(0), '06:00:00:00:00:00');
  t.is(macAddress(0x12345), '06:00:00:01:23:45');
  t.is(flowsIn(bridging(7)).length, 7);
});

test('as many rules as asked for, of which only the last allows', (t) => {
  const rules = flowsIn(acl(1_000)).filter((line) => line.includes('tp_dst='));
  t.is(rules.length, 1_000);
  t.deepEqual(
    rules.flatMap((line, index) => (line.includes('actions=drop') ? [] : [index])),
    [999],
  );
  t.is(flowsIn(vrouter()).filter((line) => line.includes('tp_dst=')).length, 1_000);
});

test('source NAT takes all addresses of the plan', (t) => {
  t.true(snat().includes(`nat(src=${plan.snat.first}-203.0.113.32:1024-65535)`));
  t.true(floating().includes(`nat(src=${plan.snat.first})`));
  t.is(flowsIn(guardedSnat()).filter((line) => line.includes('tp_dst=')).length, 1_000);
});

test('the number of flows is read from what the load is told', (t) => {
  t.is(flowsOf('0:role=generate,flows=128000,dsts=1000;1:role=sink'), 128_000);
  t.is(flowsOf('0:flows=endless;1:role=sink'), Number.POSITIVE_INFINITY);
  t.is(flowsOf('0:role=generate;1:role=sink'), 1_000);
});

test('the caches are on while the flows fit into them', (t) => {
  t.is(describe(tuningOf(1_000)), 'EMC 1/100, SMC off');
  t.is(describe(tuningOf(1_000_000)), 'EMC off, SMC off');
});
