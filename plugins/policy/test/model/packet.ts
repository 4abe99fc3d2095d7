/** A packet as the model sees it; frame.ts makes its bytes. */
import type { IpAddress, IpFamily } from '@weft/kernel/contract/net';

export interface TcpSegment {
  readonly flags: number;
  readonly seq: number;
  readonly ack: number;
  /** Bytes of data. */
  readonly length: number;
}

export const tcpFlags = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32 } as const;

/** What an ICMP error quotes: the beginning of a packet. */
export interface Quote {
  readonly packet: Packet;
  /** Bytes behind its IP header. */
  readonly bytes: number;
}

export interface Packet {
  /** Port that it enters through. */
  readonly port: number;
  readonly srcMac: string;
  readonly dstMac: string;
  readonly family: IpFamily;
  readonly src: IpAddress;
  readonly dst: IpAddress;
  readonly protocol: number;
  /** Protocols with ports. */
  readonly srcPort?: number;
  readonly dstPort?: number;
  readonly tcp?: TcpSegment;
  readonly icmp?: { readonly type: number; readonly code: number; readonly id: number; readonly quote?: Quote };
  /** Part of a datagram: bytes of its payload from `offset` on. Offset 0 without `more` stands for an atomic fragment of IPv6. */
  readonly fragment?: { readonly id: number; readonly offset: number; readonly more: boolean; readonly bytes: number };
  /** Bytes of payload behind the header of a protocol with ports, ICMP query or other protocol. */
  readonly payload: number;
}

/** Destination MAC address with the group bit. */
export const isGroupMac = (mac: string): boolean => (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;

/** Not the first part of its datagram: without a header of layer 4. */
export const isLaterFragment = ({ fragment }: Packet): boolean => fragment !== undefined && fragment.offset !== 0;

const withPorts: ReadonlySet<number> = new Set([6, 17, 33, 132, 136]);

export const hasPorts = (protocol: number): boolean => withPorts.has(protocol);
