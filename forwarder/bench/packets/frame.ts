/** Frames that a contestant sent, read field by field: what `check.ts` compares. Every read is bounds-checked; nothing throws on odd bytes. */
import { internetChecksum, protocols, readIp, readMac } from '@weft/kernel/contract/net';

/** Addresses as text; ports and identifiers in host order; what the frame does not have is absent. */
export interface Frame {
  readonly dstMac: string;
  readonly srcMac: string;
  /** VLAN id of an 802.1Q tag. */
  readonly vlan?: number;
  readonly etherType: number;
  readonly family?: 4 | 6;
  readonly src?: string;
  readonly dst?: string;
  /** TTL or hop limit. */
  readonly hopLimit?: number;
  readonly protocol?: number;
  /** IPv4 header checksum; IPv6 has none. */
  readonly checksumHolds?: boolean;
  readonly srcPort?: number;
  readonly dstPort?: number;
  readonly vni?: number;
  /** Behind the VXLAN header. */
  readonly inner?: Frame;
  /** ARP: 1 request, 2 reply; ICMPv6: its type. */
  readonly operation?: number;
  /** Who an ARP reply or a neighbour advertisement (RFC 4861 §4.4) speaks of. */
  readonly speaksOf?: { readonly address: string; readonly mac: string };
}

const etherTypes = { ipv4: 0x0800, arp: 0x0806, vlan: 0x8100, ipv6: 0x86dd } as const;
const vxlanPort = 4789;
/** Of the option that carries the target's MAC address (RFC 4861 §4.6.1). */
const targetLinkLayerAddress = 2;

/** The frame, or undefined when it is cut short. */
export function readFrame(bytes: Buffer): Frame | undefined {
  try {
    return ethernet(bytes);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function ethernet(bytes: Buffer): Frame {
  const tagged = bytes.readUInt16BE(12) === etherTypes.vlan;
  const l3 = tagged ? 18 : 14;
  const etherType = bytes.readUInt16BE(l3 - 2);
  return {
    dstMac: readMac(bytes, 0),
    srcMac: readMac(bytes, 6),
    ...(tagged ? { vlan: bytes.readUInt16BE(14) & 0xfff } : {}),
    etherType,
    ...layer3(etherType, bytes.subarray(l3)),
  };
}

function layer3(etherType: number, packet: Buffer): Partial<Frame> {
  if (etherType === etherTypes.ipv4) return ipv4(packet);
  if (etherType === etherTypes.ipv6) return ipv6(packet);
  return etherType === etherTypes.arp ? arp(packet) : {};
}

function ipv4(packet: Buffer): Partial<Frame> {
  const headerBytes = (packet.readUInt8(0) & 0x0f) * 4;
  const protocol = packet.readUInt8(9);
  return {
    family: 4,
    hopLimit: packet.readUInt8(8),
    protocol,
    checksumHolds: internetChecksum(packet.subarray(0, headerBytes)) === 0,
    src: readIp(packet.subarray(12, 16)),
    dst: readIp(packet.subarray(16, 20)),
    ...layer4(protocol, packet.subarray(headerBytes)),
  };
}

function ipv6(packet: Buffer): Partial<Frame> {
  const protocol = packet.readUInt8(6);
  return {
    family: 6,
    hopLimit: packet.readUInt8(7),
    protocol,
    src: readIp(packet.subarray(8, 24)),
    dst: readIp(packet.subarray(24, 40)),
    ...layer4(protocol, packet.subarray(40)),
  };
}

function layer4(protocol: number, segment: Buffer): Partial<Frame> {
  if (protocol === protocols.icmpv6) return advertisement(segment);
  if (protocol !== protocols.udp && protocol !== protocols.tcp) return {};
  const ports = { srcPort: segment.readUInt16BE(0), dstPort: segment.readUInt16BE(2) };
  return protocol === protocols.udp && ports.dstPort === vxlanPort ? { ...ports, ...vxlan(segment.subarray(8)) } : ports;
}

/** RFC 7348 §5. */
function vxlan(bytes: Buffer): Partial<Frame> {
  return { vni: bytes.readUIntBE(4, 3), inner: ethernet(bytes.subarray(8)) };
}

function arp(packet: Buffer): Partial<Frame> {
  return { operation: packet.readUInt16BE(6), speaksOf: { mac: readMac(packet, 8), address: readIp(packet.subarray(14, 18)) } };
}

function advertisement(message: Buffer): Partial<Frame> {
  const operation = message.readUInt8(0);
  if (message.length < 32 || message.readUInt8(24) !== targetLinkLayerAddress) return { operation };
  return { operation, speaksOf: { address: readIp(message.subarray(8, 24)), mac: readMac(message, 26) } };
}
