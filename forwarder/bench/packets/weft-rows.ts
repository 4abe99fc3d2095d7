/** Scenarios as rows of Weft's tables. Port 1 is the load's port 0, port 2 its port 1; each stands in a network of its own, both in one VRF. */
import {
  bindingTypes,
  ipBytes,
  neighborFlags,
  packUpsert,
  parseIp,
  portFlags,
  type Row,
  routeSources,
  tables,
} from '@weft/kernel/contract/net';
import { plan, type Scenario } from './scenario.ts';
import { bridge, hop, mtu, noPlace, port, vrf } from './weft-pieces.ts';
import { clientPolicyBatches, policyBatches } from './weft-policy.ts';
import { leavesByUplink, outsideVrf, wayOutRows } from './weft-way-out.ts';

/** What Weft does of the scenarios. */
export const supported = ['l2', 'l3', 'vlan', 'arp', 'nd', 'stateful', 'snat', 'fip', 'guarded-snat', 'acl'] as const;
/** Of what a vRouter has. */
const manyRules = 1_000;
/** Rows per call of the library. */
const rowsPerBatch = 10_000;
const headBytes = 8;

/** Operations, cut into batches. Throws a RangeError for a scenario that Weft does not do. */
export function* weftBatches(scenario: Scenario): Generator<Buffer> {
  yield Buffer.concat(networks(scenario).map(packUpsert));
  if (scenario.kind === 'l2') yield* macBatches(scenario.macs);
  else if (scenario.kind === 'l3') yield* routeBatches(scenario.routes, scenario.family);
  else if (scenario.kind === 'vlan' || isTracked(scenario)) yield* routeBatches(1_000, 4);
  else if (leavesByUplink(scenario)) yield* routeBatches(1_000, 4, outsideVrf);
  if (isTracked(scenario)) yield* policyBatches(scenario.kind === 'acl' ? scenario.rules : undefined);
  if (scenario.kind === 'guarded-snat') yield* clientPolicyBatches(manyRules);
}

function isTracked(scenario: Scenario): scenario is Extract<Scenario, { kind: 'stateful' | 'acl' }> {
  return scenario.kind === 'stateful' || scenario.kind === 'acl';
}

/** Ports that carry frames, and those that only carry VLANs. */
export function portCount(scenario: Scenario): number {
  return scenario.kind === 'vlan' ? 4 : 2;
}

function networks(scenario: Scenario): Row[] {
  switch (scenario.kind) {
    case 'l2':
      return [bridge(1, 'l2'), port(1, 1, plan.client.mac), port(2, 1, plan.server.mac)];
    case 'l3':
    case 'arp':
    case 'nd':
      return [...routedNetworks(2), port(1, 1, plan.client.mac), port(2, 2, plan.server.mac)];
    case 'vlan':
      return [...routedNetworks(4), trunk(1), trunk(2), vlanPort(3, 1, plan.client.mac), vlanPort(4, 2, plan.server.mac)];
    case 'stateful':
    case 'acl':
      return [...routedNetworks(2), ...wayBack(), closed(port(1, 1, plan.client.mac)), closed(port(2, 2, plan.server.mac))];
    case 'snat':
    case 'fip':
    case 'guarded-snat':
      return wayOutRows(scenario);
    default:
      throw new RangeError(`Weft has no rows for the scenario ${scenario.kind}: it does ${supported.join(', ')}`);
  }
}

/** Two networks with gateways; next hop 1 leads to the server behind `exit`. */
function routedNetworks(exit: number): Row[] {
  const addresses = [plan.gateway.addresses, plan.gateway.addresses6].flatMap((family) => family.map((address, at) => ({ address, at })));
  return [
    { table: 'vrf', id: vrf },
    bridge(1, 'l2_l3'),
    bridge(2, 'l2_l3'),
    ...addresses.map(
      ({ address, at }): Row => ({ table: 'neighbor', bridge: 1 + at, address, mac: plan.gateway.mac, flags: neighborFlags.gateway }),
    ),
    hop(1, exit, 2, plan.server.mac),
  ];
}

/** Answers return to all who may send. */
function wayBack(): Row[] {
  return [
    hop(2, 1, 1, plan.client.mac),
    { table: 'route', vrf, prefixLength: 8, address: '10.0.0.0', source: routeSources.static, nexthop: 2 },
  ];
}

function closed(row: Row): Row {
  return { ...row, flags: portFlags.policyRequired } as Row;
}

function trunk(id: number): Row {
  return { ...port(id, 0, '00:00:00:00:00:00'), flags: portFlags.trunk } as Row;
}

/** `place`: of the trunk, the network and the tag. */
function vlanPort(id: number, place: number, mac: string): Row {
  const vlan = plan.vlans[place - 1] ?? 0;
  return { table: 'port', id, bridge: place, parent: place, flags: 0, mac, mtu, vlan, binding: bindingTypes.vlan, ...noPlace };
}

function macBatches(count: number): Generator<Buffer> {
  const pattern: Row = { table: 'mac', bridge: 1, mac: '06:00:00:00:00:00', port: 2 };
  const at = offsetOf('mac', 'mac') + 2;
  return patterned(pattern, count, (out, start, index) => out.writeUInt32BE(index, start + at));
}

function routeBatches(count: number, family: 4 | 6, of = vrf): Generator<Buffer> {
  const address = family === 4 ? plan.firstRoute : plan.firstRoute6;
  const prefixLength = family === 4 ? 24 : 64;
  const pattern: Row = { table: 'route', vrf: of, prefixLength, address, source: routeSources.static, nexthop: 1 };
  const at = offsetOf('route', 'address');
  const first = ipBytes(parseIp(address) ?? { family, value: 0n });
  // The last 32 bits of the prefix hold the route's number: those before a /24's host byte, or before a /64's second half.
  const [number, step] = family === 4 ? [0, 256] : [4, 1];
  const base = first.readUInt32BE(number);
  return patterned(pattern, count, (out, start, index) => out.writeUInt32BE(base + index * step, start + at + number));
}

function offsetOf(table: 'mac' | 'route', field: string): number {
  return headBytes + (tables[table].fields.find(({ name }) => name === field)?.offset ?? 0);
}

/** Packing a million rows one by one would take longer than the sample: all are copies of one, patched. */
function* patterned(pattern: Row, count: number, patch: (out: Buffer, start: number, index: number) => void): Generator<Buffer> {
  const row = packUpsert(pattern);
  const bytes = (row.length + 7) & ~7;
  for (let first = 0; first < count; first += rowsPerBatch) {
    const rows = Math.min(rowsPerBatch, count - first);
    const out = Buffer.alloc(rows * bytes);
    for (let at = 0; at < rows; at++) {
      row.copy(out, at * bytes);
      patch(out, at * bytes, first + at);
    }
    yield out;
  }
}
