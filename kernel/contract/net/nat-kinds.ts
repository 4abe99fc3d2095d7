/** The shapes of `snat`'s kinds that other plugins read. The schemas stand in plugins/snat/kinds.ts; a test there keeps both equal. */
import type { WeftObject } from '../system/object.ts';

/** RFC 4787 §4.1 (mapping) and §5 (filtering). */
export type NatBehaviour = 'endpoint-independent' | 'address-and-port-dependent';

export interface SnatPoolSpec {
  /** Addresses, or the one word `host`: the uplink's own. */
  readonly addresses: readonly string[];
  /** FIRST-LAST: what is given out of each address; ICMP: identifiers. */
  readonly ports: string;
  /** Ports that a port of a VM gets at a time; a power of two. */
  readonly blockSize: number;
  readonly maxBlocksPerPort: number;
  /** Name of an Uplink; default: the one whose subnet holds the address, or the only one. */
  readonly uplink?: string;
  readonly mapping: NatBehaviour;
  readonly filtering: NatBehaviour;
  /** A port whose blocks are used up shares outside TCP ports among remotes. */
  readonly tcpPortReuse: boolean;
}

export interface SnatAssignment {
  readonly address: string;
  readonly appliance: string;
}

export interface SnatPoolStatus {
  readonly phase?: 'Active' | 'Pending';
  /** Number in forwarder rows. */
  readonly id: number;
  /** Name of the Uplink that its addresses are behind; empty: none. */
  readonly uplink: string;
  readonly assignments: readonly SnatAssignment[];
  readonly reason: string;
}

export type SnatPool = WeftObject<SnatPoolSpec, SnatPoolStatus>;

export interface FloatingIpSpec {
  readonly address: string;
  /** `address`: of the port, of the same IP version; default: its first one. */
  readonly target: { readonly port: string; readonly address?: string };
  readonly uplink?: string;
}

export interface FloatingIpStatus {
  readonly phase?: 'Active' | 'Pending';
  readonly uplink: string;
  /** The address of the port that it stands for. */
  readonly inside: string;
  readonly reason: string;
}

export type FloatingIp = WeftObject<FloatingIpSpec, FloatingIpStatus>;
