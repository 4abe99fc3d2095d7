/** Who has a MAC address or an IP address on a bridge: paths → rows of the tables mac and neighbor, one destination at a time. Pure. */
import { gatewayMac, type MacRow, type NeighborRow } from '@weft/kernel/contract/net';
import { preferred } from './path-table.ts';

interface BridgePath {
  readonly bridge: number;
  readonly mac: string;
  readonly pathId: string;
  readonly preference: number;
}

export interface MacPath extends BridgePath {
  readonly port: number;
}

export interface NeighborPath extends BridgePath {
  /** Canonical. */
  readonly address: string;
  /** The bridge has a gateway, which can share out what is sent to the address. */
  readonly routed: boolean;
}

/** A MAC address that several ports may use is nobody's: frames to it are unknown unicast. */
export function macRows(paths: readonly MacPath[]): readonly MacRow[] {
  const [path, ...others] = preferred(paths);
  return path && others.length === 0 ? [{ table: 'mac', bridge: path.bridge, mac: path.mac, port: path.port }] : [];
}

/**
 * An address that several ports have is answered with the gateway's MAC address, so that the ECMP group is used from inside of the subnet, too;
 * where there is no gateway the question is left to be flooded, and the ports answer it.
 */
export function neighborRows(paths: readonly NeighborPath[]): readonly NeighborRow[] {
  const [path, ...others] = preferred(paths);
  if (!path || (others.length > 0 && !path.routed)) return [];
  const { bridge, address } = path;
  return [{ table: 'neighbor', bridge, address, mac: others.length > 0 ? gatewayMac : path.mac, flags: 0 }];
}
