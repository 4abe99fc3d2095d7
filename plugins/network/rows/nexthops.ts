/** Numbers of this plugin's nexthop rows: the upper four bits say what for, the rest which one. */
import { type NexthopRow, nexthopFlags, nexthopTypes, type Port, type Uplink, type VirtualNetwork } from '@weft/kernel/contract/net';
import { pairsOf } from '../pairs.ts';

const bits = 28;
const classes = { connected: 0, slaac: 1, unreachable: 2, port: 3, pair: 4, group: 5, gateway: 6, vrf: 7 } as const;
/** allowedAddressPairs has at most so many. */
const pairsPerPort = 64;
/** Gateways of an uplink have numbers below. */
const gatewaysPerUplink = 256;

/** Groups have this number and those above it. */
export const firstGroup = numbered('group', 0);
const noMac = '00:00:00:00:00:00';

export const noNexthop = {
  table: 'nexthop',
  id: 0,
  type: nexthopTypes.drop,
  port: 0,
  bridge: 0,
  mac: noMac,
  flags: 0,
  size: 0,
  target: 0,
  puntClass: 0,
} as const satisfies NexthopRow;

function numbered(what: keyof typeof classes, number: number): number {
  return classes[what] * 2 ** bits + number;
}

/** A connected subnet. Without port and MAC: the forwarder asks the neighbours of the bridge, so that an address nobody has is dropped as no-neighbor. */
export function connectedNexthop({ status: { id } }: VirtualNetwork, slaac: boolean): NexthopRow {
  const common = { ...noNexthop, type: nexthopTypes.port, bridge: id };
  return slaac ? { ...common, id: numbered('slaac', id), flags: nexthopFlags.slaac } : { ...common, id: numbered('connected', id) };
}

/** Where static routes of the network lead whose next hop no port has. */
export function unreachableNexthop({ status: { id } }: VirtualNetwork): NexthopRow {
  return { ...noNexthop, id: numbered('unreachable', id), type: nexthopTypes.blackhole };
}

/** One for each MAC address that the port may use, its own first. */
export function portNexthops(port: Port, network: VirtualNetwork): ReadonlyMap<string, NexthopRow> {
  const { id, mac } = port.status;
  const common = { ...noNexthop, type: nexthopTypes.port, port: id, bridge: network.status.id };
  const rows = new Map<string, NexthopRow>([[mac, { ...common, id: numbered('port', id), mac }]]);
  for (const pair of pairsOf(port)) {
    if (pair.mac === undefined || rows.has(pair.mac)) continue;
    rows.set(pair.mac, { ...common, id: numbered('pair', id * pairsPerPort + rows.size - 1), mac: pair.mac });
  }
  return rows;
}

/** A subnet behind an uplink: the forwarder asks for MAC addresses there. */
export function uplinkNexthop({ status: { network } }: Uplink): NexthopRow {
  return { ...noNexthop, id: numbered('connected', network), type: nexthopTypes.port, bridge: network };
}

/** A router behind an uplink, by the number of its row. */
export function gatewayNexthop({ status: { id, network } }: Uplink, gateway: number): NexthopRow {
  const place = { port: id, bridge: network, target: gateway };
  return { ...noNexthop, ...place, id: numbered('gateway', id * gatewaysPerUplink + gateway), type: nexthopTypes.gateway };
}

/** The destination is looked up once more, in another VRF. The row is that of the object whose VRF it is, whoever has routes to it. */
export function vrfNexthop(vrf: number): NexthopRow {
  return { ...noNexthop, id: numbered('vrf', vrf), type: nexthopTypes.vrf, target: vrf };
}
