/**
 * Objects → the rows and paths that they want in the forwarder. Pure. Every row belongs to exactly one object, or is decided from the paths of all of
 * them: a network has its tables, gateways and subnets, a port everything that leads to it. So a change of one port touches a handful of rows.
 */
import {
  bridgeFlags,
  followsGroups,
  formatIp,
  formatPrefix,
  forwardingModes,
  gatewayMac,
  neighborFlags,
  type Port,
  type PortRow,
  parseIp,
  portFlags,
  prefixOf,
  type RoutePath,
  type Row,
  routeSources,
  type SourceRow,
  type Trunk,
  type Uplink,
  type VirtualNetwork,
} from '@weft/kernel/contract/net';
import type { NetworkConfig } from '../config.ts';
import { isLinkLocal, pairAddress, pairsOf } from '../pairs.ts';
import { subnetsOf } from '../subnet.ts';
import type { MacPath, NeighborPath } from './bridge-paths.ts';
import { linkFields } from './link-fields.ts';
import { connectedNexthop, noNexthop, portNexthops, unreachableNexthop, vrfNexthop } from './nexthops.ts';
import { leak } from './rib.ts';
import { underlayPaths } from './uplink-rows.ts';

/** What one object wants. */
export interface Wanted {
  readonly rows: readonly Row[];
  readonly routes: readonly RoutePath[];
  readonly macs: readonly MacPath[];
  readonly neighbors: readonly NeighborPath[];
}

export const nothing: Wanted = { rows: [], routes: [], macs: [], neighbors: [] };

/** No pair takes a whole subnet over, and a port without a link keeps its address only until another one may use it. */
const preferences = { subnet: 0, own: 100, pair: 200, unbound: 300, unreachable: 400 } as const;

function isRouted(network: VirtualNetwork): boolean {
  return network.spec.forwarding !== 'l2';
}

/** What networks take from elsewhere. */
export interface NetworkSurroundings {
  /** VRFs of the networks that a router joins with this one. */
  readonly peers: readonly number[];
  /** Of a network that is routed natively. */
  readonly uplink?: Uplink | undefined;
}

export function networkWants(
  network: VirtualNetwork,
  { peers, uplink }: NetworkSurroundings,
  config: Pick<NetworkConfig, 'floodRate'>,
): Wanted {
  const { id, vni, mtu, gateways } = network.status;
  const { forwarding, unknownUnicast, floodRate = config.floodRate, underlay } = network.spec;
  const flags = (unknownUnicast === 'flood' ? bridgeFlags.floodUnknown : 0) | (underlay === undefined ? 0 : bridgeFlags.underlay);
  const bridge: Row = { table: 'bridge', id, vrf: id, vni, mode: forwardingModes[forwarding], flags, mtu, floodRate };
  if (!isRouted(network)) return { ...nothing, rows: [{ table: 'vrf', id }, bridge] };
  const routes = networkPaths(network);
  const nexthops = new Map(routes.map(({ nextHop }) => [nextHop.id, nextHop]));
  return {
    ...nothing,
    rows: [
      { table: 'vrf', id },
      bridge,
      ...nexthops.values(),
      ...(uplink ? [vrfNexthop(id)] : []),
      ...gateways.map((address): Row => ({ table: 'neighbor', bridge: id, address, mac: gatewayMac, flags: neighborFlags.gateway })),
    ],
    routes: [...routes, ...leak(routes, peers), ...(uplink ? underlayPaths(network, uplink) : [])],
  };
}

/** Routes to the subnets, and what becomes of static routes while no port has their next hop. */
function networkPaths(network: VirtualNetwork): readonly RoutePath[] {
  const common = { table: network.status.id, pathId: network.metadata.uid };
  return subnetsOf(network).flatMap(({ prefix, slaac, routes }): readonly RoutePath[] => [
    { ...common, prefix, preference: preferences.subnet, source: routeSources.connected, nextHop: connectedNexthop(network, slaac) },
    ...routes.map((route) => ({
      ...common,
      prefix: route.prefix,
      preference: preferences.unreachable,
      source: routeSources.static,
      nextHop: unreachableNexthop(network),
    })),
  ]);
}

/** What ports take from elsewhere. */
export interface Surroundings {
  /** Of a port that is a VLAN. */
  readonly trunk?: Trunk | undefined;
  /** VRFs of the networks that a router joins with the port's. */
  readonly peers: readonly number[];
  /** The plugin policy is installed: ports ask the rules of their groups, whether it runs or not. */
  readonly policy: boolean;
}

export function portWants(port: Port, network: VirtualNetwork, { trunk, peers, policy }: Surroundings): Wanted {
  const { id, mac, addresses } = port.status;
  const bridge = network.status.id;
  const { binding, portSecurity } = port.spec;
  const link = linkFields(binding);
  const flags = (portSecurity ? portFlags.portSecurity : 0) | (policy && followsGroups(port) ? portFlags.policyRequired : 0) | link.flags;
  const row: PortRow = { table: 'port', id, bridge, ...link, parent: trunk?.status.id ?? 0, flags, mac, mtu: network.status.mtu };
  const pairs = pairsOf(port);
  const routed = isRouted(network);
  const nexthops = portNexthops(port, network);
  const own = binding.type === 'none' ? preferences.unbound : preferences.own;
  const claim = (claimed: string, preference: number) => ({ bridge, mac: claimed, pathId: `${port.metadata.uid} ${claimed}`, preference });
  const routes = routed ? portPaths(port, network, own) : [];
  return {
    rows: [row, ...(routed ? nexthops.values() : []), ...(followsGroups(port) ? sourceRows(port) : [])],
    macs: [...nexthops.keys()].map((each) => ({ ...claim(each, each === mac ? preferences.own : preferences.pair), port: id })),
    neighbors: [
      ...addresses.map((address) => ({ ...claim(mac, own), address, routed })),
      ...pairs.flatMap((pair) => {
        const address = isLinkLocal(pair) ? undefined : pairAddress(pair);
        return address === undefined ? [] : [{ ...claim(pair.mac ?? mac, preferences.pair), address, routed }];
      }),
    ],
    routes: [...routes, ...leak(routes, peers)],
  };
}

/** Routes to the port's addresses and pairs, and the network's static routes whose next hop is one of them. */
function portPaths(port: Port, network: VirtualNetwork, own: number): readonly RoutePath[] {
  const nexthops = portNexthops(port, network);
  const pathTo = (mac: string, preference: number) => {
    const nextHop = nexthops.get(mac) ?? noNexthop;
    return { table: network.status.id, pathId: `${port.metadata.uid} ${mac}`, preference, nextHop };
  };
  const hosts = [
    ...port.status.addresses.flatMap((text) => {
      const address = parseIp(text);
      return address ? [{ ...pathTo(port.status.mac, own), prefix: prefixOf(address), source: routeSources.connected }] : [];
    }),
    ...pairsOf(port)
      .filter((pair) => !isLinkLocal(pair))
      .map((pair) => ({ ...pathTo(pair.mac ?? port.status.mac, preferences.pair), prefix: pair.prefix, source: routeSources.connected })),
  ];
  const statics = subnetsOf(network).flatMap(({ routes }) =>
    routes.flatMap(({ prefix, nextHop }) => {
      const via = formatPrefix(prefixOf(nextHop));
      const reached = hosts.filter((host) => formatPrefix(host.prefix) === via);
      return reached.map((host) => ({ ...host, prefix, source: routeSources.static, via: formatIp(nextHop) }));
    }),
  );
  return [...hosts, ...statics];
}

/** The addresses that are a port's own: all that one with security may send from, and those that count for groups of remotes. */
function sourceRows(port: Port): readonly SourceRow[] {
  const { id, mac, addresses } = port.status;
  return [
    ...addresses.flatMap((text) => {
      const address = parseIp(text);
      return address ? [{ prefix: prefixOf(address), mac }] : [];
    }),
    ...pairsOf(port),
  ].map((pair) => {
    const { family, first, length } = pair.prefix;
    return { table: 'source', port: id, prefixLength: length, mac: pair.mac ?? mac, address: formatIp({ family, value: first }) };
  });
}

/** A trunk is a port without a network: its frames belong to the sub-ports, so it takes the largest of theirs. */
export function trunkRows(trunk: Trunk, mtu: number): readonly PortRow[] {
  const link = linkFields(trunk.spec.binding);
  return [
    { table: 'port', id: trunk.status.id, bridge: 0, parent: 0, mac: noNexthop.mac, mtu, ...link, flags: portFlags.trunk | link.flags },
  ];
}
