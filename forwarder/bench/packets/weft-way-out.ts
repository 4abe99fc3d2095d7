/** Scenarios with an uplink as rows of Weft's tables: port 1 is a VM's, port 2 the uplink, alone in a network and a VRF of its own. */
import { neighborFlags, nexthopTypes, portFlags, type Row, routeSources } from '@weft/kernel/contract/net';
import { plan, type Scenario } from './scenario.ts';
import { bridge, hop, port, vrf } from './weft-pieces.ts';

export type WayOut = Extract<Scenario, { kind: 'snat' | 'fip' | 'guarded-snat' }>;

const [clientPort, uplink] = [1, 2];
/** Of the uplink; the load's routes stand there. */
export const outsideVrf = 2;
const pool = 1;
const block = 512;
/** One VM opens all flows: it may have all ports of its address. */
const mostBlocks = 1_024;

export function leavesByUplink(scenario: Scenario): scenario is WayOut {
  return scenario.kind === 'snat' || scenario.kind === 'fip' || scenario.kind === 'guarded-snat';
}

/** Next hop 1 leads to the server, as in other scenarios. */
export function wayOutRows(scenario: WayOut): Row[] {
  const { client, server, gateway } = plan;
  return [
    { table: 'vrf', id: vrf },
    { table: 'vrf', id: outsideVrf },
    bridge(1, 'l2_l3'),
    bridge(2, 'l3', outsideVrf),
    ...gateway.addresses.map(
      (address, at): Row => ({ table: 'neighbor', bridge: 1 + at, address, mac: gateway.mac, flags: neighborFlags.gateway }),
    ),
    hop(1, uplink, 2, server.mac),
    hop(2, clientPort, 1, client.mac),
    { ...hop(3, 0, 0, '00:00:00:00:00:00'), type: nexthopTypes.vrf, target: outsideVrf } as Row,
    { table: 'route', vrf, prefixLength: 8, address: '10.0.0.0', source: routeSources.static, nexthop: 2 },
    { table: 'route', vrf, prefixLength: 0, address: '0.0.0.0', source: routeSources.external, nexthop: 3 },
    ...guarded(scenario, { ...port(clientPort, 1, client.mac) } as Row),
    // The MAC address that frames of all contestants have.
    { ...port(uplink, 2, gateway.mac), flags: portFlags.uplink } as Row,
    ...translation(scenario),
  ];
}

function guarded(scenario: WayOut, row: Row): Row[] {
  if (scenario.kind !== 'guarded-snat') return [row];
  const { mac, address } = plan.client;
  return [
    { ...row, flags: portFlags.policyRequired | portFlags.portSecurity } as Row,
    { table: 'source', port: clientPort, prefixLength: 32, mac, address },
  ];
}

function translation(scenario: WayOut): Row[] {
  const { first, count } = plan.snat;
  if (scenario.kind === 'fip')
    return [
      { table: 'vrf_nat', vrf, pool: 0, port: uplink },
      {
        table: 'floating_ip',
        port: uplink,
        address: first,
        prefixLength: 0,
        insidePort: clientPort,
        inside: plan.client.address,
      },
    ];
  const [, before, last] = /^(.*\.)(\d+)$/.exec(first) ?? [];
  const addresses = Array.from({ length: count }, (_, n): Row => {
    const ports = { portMin: 1_024, portMax: 65_535, blockSize: block, portBlocks: mostBlocks };
    return { table: 'nat_address', port: uplink, address: `${before}${Number(last) + n}`, pool, ...ports, flags: 0 };
  });
  return [{ table: 'vrf_nat', vrf, pool, port: uplink }, ...addresses];
}
