/** Rows that several scenarios are made of. */
import { bindingTypes, forwardingModes, nexthopTypes, type Row } from '@weft/kernel/contract/net';

/** Of the client; what lies behind an uplink has another. */
export const vrf = 1;
export const mtu = 1500;
export const noPlace = { interface: '', netns: '', socket: '' } as const;

export function bridge(id: number, mode: keyof typeof forwardingModes, of = vrf): Row {
  return { table: 'bridge', id, vrf: mode === 'l2' ? 0 : of, vni: 0, mtu, mode: forwardingModes[mode], flags: 0, floodRate: 0 };
}

export function port(id: number, network: number, mac: string): Row {
  const place = { ...noPlace, interface: `net_null${id - 1}` };
  return { table: 'port', id, bridge: network, parent: 0, flags: 0, mac, mtu, vlan: 0, binding: bindingTypes.ethdev, ...place };
}

/** To a machine behind a port. */
export function hop(id: number, exit: number, bridgeId: number, mac: string): Row {
  return { table: 'nexthop', id, port: exit, bridge: bridgeId, mac, target: 0, type: nexthopTypes.port, flags: 0, size: 0, puntClass: 0 };
}
