/**
 * Objects → the rows that they want in the forwarder. Pure. Every row belongs to exactly one object: a network has its tables, gateways and subnet
 * routes, a port everything that leads to it, in its own VRF and in those that a router joins with it. So a change of one port touches a handful of rows.
 */
import {
  bindingTypes,
  forwardingModes,
  gatewayMac,
  neighborFlags,
  nexthopTypes,
  type Port,
  type PortRow,
  portFlags,
  type Row,
  routeSources,
  type Trunk,
  type VirtualNetwork,
} from '@weft/kernel/contract/net';
import { formatIpv4, parseIpv4, prefixOf } from '../ipv4.ts';
import { subnetOf } from '../subnet.ts';
import { leak, type Path, routeRows } from './rib.ts';

const noMac = '00:00:00:00:00:00';

/** Next hops of networks have even numbers and those of ports odd ones. */
function networkNexthop(network: VirtualNetwork): number {
  return network.status.id * 2;
}

function portNexthop(port: Port): number {
  return port.status.id * 2 + 1;
}

/** `peers`: VRFs of the networks that a router joins with this one. */
export function networkRows(network: VirtualNetwork, peers: readonly number[]): readonly Row[] {
  const { id, vni, mtu, gateways } = network.status;
  return [
    { table: 'vrf', id },
    { table: 'bridge', id, vrf: id, vni, mode: forwardingModes[network.spec.forwarding], flags: 0, mtu },
    // Without port and MAC: the forwarder asks the neighbours of the bridge, so that an address nobody has is dropped as no-neighbor.
    { table: 'nexthop', id: networkNexthop(network), type: nexthopTypes.port, port: 0, bridge: id, mac: noMac },
    ...gateways.map((address): Row => ({ table: 'neighbor', bridge: id, address, mac: gatewayMac, flags: neighborFlags.gateway })),
    ...routeRows(withLeaks(networkPaths(network), peers)),
  ];
}

/** Routes to the subnets. */
export function networkPaths(network: VirtualNetwork): readonly Path[] {
  return network.spec.subnets.flatMap((spec) => {
    const prefix = subnetOf(spec)?.prefix;
    return prefix
      ? [{ table: network.status.id, prefix, source: routeSources.connected, path: network.metadata.uid, nexthop: networkNexthop(network) }]
      : [];
  });
}

export function portRows(port: Port, network: VirtualNetwork, trunk: Trunk | undefined, peers: readonly number[]): readonly Row[] {
  const { id, mac, addresses } = port.status;
  const bridge = network.status.id;
  return [
    {
      table: 'port',
      id,
      bridge,
      ...linkFields(port.spec.binding),
      parent: trunk?.status.id ?? 0,
      flags: port.spec.portSecurity ? portFlags.portSecurity : 0,
      mac,
      mtu: network.status.mtu,
    },
    { table: 'mac', bridge, mac, port: id },
    { table: 'nexthop', id: portNexthop(port), type: nexthopTypes.port, port: id, bridge, mac },
    ...addresses.map((address): Row => ({ table: 'neighbor', bridge, address, mac, flags: 0 })),
    ...routeRows(withLeaks(portPaths(port, network), peers)),
  ];
}

/** Host routes to the port's addresses, and the network's static routes whose next hop is one of them. */
export function portPaths(port: Port, network: VirtualNetwork): readonly Path[] {
  const common = { table: network.status.id, path: port.metadata.uid, nexthop: portNexthop(port) };
  const addresses = port.status.addresses.flatMap((text) => parseIpv4(text) ?? []);
  const statics = network.spec.subnets.flatMap((spec) => subnetOf(spec)?.routes ?? []).filter((route) => addresses.includes(route.nextHop));
  return [
    ...addresses.map((address) => ({ ...common, prefix: prefixOf(address, 32), source: routeSources.connected })),
    ...statics.map((route) => ({ ...common, prefix: route.prefix, source: routeSources.static })),
  ];
}

function withLeaks(paths: readonly Path[], peers: readonly number[]): readonly Path[] {
  return [...paths, ...leak(paths, peers)];
}

/** A trunk is a port without a network: its frames belong to the sub-ports. */
export function trunkRows(trunk: Trunk, mtu: number): readonly PortRow[] {
  const link = linkFields(trunk.spec.binding);
  return [{ table: 'port', id: trunk.status.id, bridge: 0, parent: 0, flags: portFlags.trunk, mac: noMac, mtu, ...link }];
}

function linkFields(binding: Port['spec']['binding']): Pick<PortRow, 'binding' | 'vlan' | 'interface' | 'netns'> {
  const unbound = { binding: bindingTypes.none, vlan: 0, interface: '', netns: '' };
  switch (binding.type) {
    case 'netns':
      return { ...unbound, binding: bindingTypes.netns, interface: binding.interface, netns: binding.netns };
    case 'interface':
      return { ...unbound, binding: bindingTypes.interface, interface: binding.interface };
    case 'vlan':
      return { ...unbound, binding: bindingTypes.vlan, vlan: binding.vlan };
    default:
      return unbound;
  }
}

/** The address of the port that a static route leads through, for people. */
export function nextHopText(path: Path, network: VirtualNetwork): string | undefined {
  const routes = network.spec.subnets.flatMap((spec) => subnetOf(spec)?.routes ?? []);
  const route = routes.find(({ prefix }) => prefix.first === path.prefix.first && prefix.length === path.prefix.length);
  return route && formatIpv4(route.nextHop);
}
