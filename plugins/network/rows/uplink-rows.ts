/** Uplinks → the rows that join the underlay, and what networks with `underlay` want beside their own. Pure. */
import {
  bindingTypes,
  formatIp,
  forwardingModes,
  type GatewayRow,
  gatewayMac,
  neighborFlags,
  type PortRow,
  parsePrefix,
  portFlags,
  type RoutePath,
  type Row,
  routeSources,
  type Uplink,
  type VirtualNetwork,
} from '@weft/kernel/contract/net';
import type { NetworkConfig } from '../config.ts';
import { subnetsOf } from '../subnet.ts';
import { gatewayNumbers, readUplink, uplinkMac, uplinkSubnets } from '../uplink.ts';
import { linkFields } from './link-fields.ts';
import { gatewayNexthop, noNexthop, uplinkNexthop, vrfNexthop } from './nexthops.ts';
import type { Wanted } from './object-rows.ts';

const everywhere = ['0.0.0.0/0', '::/0'].flatMap((text) => parsePrefix(text)?.prefix ?? []);
/** The paths here do not compete. */
const preference = 0;

export function uplinkWants(uplink: Uplink, config: Pick<NetworkConfig, 'mtu'>): Wanted {
  const { network } = uplink.status;
  const { addresses } = readUplink(uplink.spec);
  const mtu = uplink.spec.mtu ?? config.mtu;
  const routes = uplinkPaths(uplink);
  const nexthops = new Map([vrfNexthop(network), ...routes.map(({ nextHop }) => nextHop)].map((row) => [row.id, row]));
  return {
    macs: [],
    neighbors: [],
    routes,
    rows: [
      { table: 'vrf', id: network },
      { table: 'bridge', id: network, vrf: network, vni: 0, mode: forwardingModes.l3, flags: 0, mtu, floodRate: 0 },
      ...portRows(uplink, mtu),
      ...gatewayRows(uplink),
      ...nexthops.values(),
      // The forwarder answers with the MAC address of the port, whatever stands here.
      ...addresses.map(
        ({ address }): Row => ({
          ...{ table: 'neighbor', bridge: network, address: formatIp(address), mac: gatewayMac, flags: neighborFlags.gateway },
        }),
      ),
    ],
  };
}

/** With a VLAN the link is a trunk's, and the uplink rides on it. */
function portRows(uplink: Uplink, mtu: number): readonly PortRow[] {
  const { id, network, trunk } = uplink.status;
  const { binding, vlan = 0 } = uplink.spec;
  const mac = uplinkMac(uplink) ?? noNexthop.mac;
  const link = linkFields(binding);
  const row = { table: 'port', id, bridge: network, parent: 0, mac, mtu, ...link, flags: portFlags.uplink | link.flags } as const;
  if (vlan === 0 || trunk === undefined) return [row];
  const none = linkFields({ type: 'none' });
  return [
    { ...row, id: trunk, bridge: 0, mac: noNexthop.mac, flags: portFlags.trunk | link.flags },
    { ...row, ...none, parent: trunk, vlan, binding: bindingTypes.vlan, flags: portFlags.uplink },
  ];
}

function gatewayRows(uplink: Uplink): readonly GatewayRow[] {
  const { gateways } = readUplink(uplink.spec);
  return [...gatewayNumbers(gateways)].map(([address, number]) => ({ table: 'gateway', port: uplink.status.id, number, address }));
}

/** The subnets there, and everywhere else by the gateways of the family. */
function uplinkPaths(uplink: Uplink): readonly RoutePath[] {
  const { addresses, gateways } = readUplink(uplink.spec);
  const numbers = gatewayNumbers(gateways);
  const common = { table: uplink.status.network, preference };
  const nextHop = uplinkNexthop(uplink);
  return [
    ...uplinkSubnets({ addresses }).map(({ prefix }) => ({
      ...{ ...common, prefix, nextHop, source: routeSources.connected, pathId: uplink.metadata.uid },
    })),
    ...gateways.flatMap((gateway) =>
      everywhere
        .filter(({ family }) => family === gateway.family)
        .map((prefix) => {
          const via = formatIp(gateway);
          const router = gatewayNexthop(uplink, numbers.get(via) ?? 0);
          return { ...common, prefix, nextHop: router, source: routeSources.static, pathId: `${uplink.metadata.uid} ${via}`, via };
        }),
    ),
  ];
}

/** A network that is routed natively: its way out by the uplink, and the way in to its subnets. */
export function underlayPaths(network: VirtualNetwork, uplink: Uplink): readonly RoutePath[] {
  const common = { preference, source: routeSources.underlay, pathId: network.metadata.uid };
  const [inside, outside] = [network.status.id, uplink.status.network];
  return [
    ...everywhere.map((prefix) => ({ ...common, table: inside, prefix, nextHop: vrfNexthop(outside) })),
    ...subnetsOf(network).map(({ prefix }) => ({ ...common, table: outside, prefix, nextHop: vrfNexthop(inside) })),
  ];
}
