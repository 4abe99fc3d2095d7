/** UDP over IP over Ethernet, as plugins meet it in punts: bytes ↔ `UdpFrame`. Pure; every read is bounds-checked; nothing throws on bytes from a VM. */
import {
  addressesOf,
  foldSum,
  type IpPacket,
  internetChecksum,
  ipv4HeaderBytes,
  newPacket,
  type PacketAddresses,
  pseudoHeaderSum,
  readPacket,
} from './packet.ts';
import { protocols } from './terms.ts';

export { internetChecksum, readMac, writeMac } from './packet.ts';

/** Ports in host order. */
export interface UdpFrame extends PacketAddresses {
  readonly srcPort: number;
  readonly dstPort: number;
  /** A view into the parsed frame: copy what outlives it. */
  readonly payload: Buffer;
}

/** Longest UDP payload that an IPv4 packet of `mtu` bytes without options holds. */
export const udpPayloadLimit = (mtu: number): number => mtu - ipv4HeaderBytes - udpHeaderBytes;

const udpHeaderBytes = 8;
const ttl = 64;

/**
 * The UDP datagram in `frame`, or undefined when it is cut short, no UDP, a fragment, behind IPv6 extension headers, or has a wrong checksum.
 * A checksum of zero (none) passes over IPv4, and so does over both the bare sum of the pseudo-header: what a VM leaves that counts on its
 * virtual NIC to finish the sum.
 */
export function parseUdpFrame(frame: Buffer): UdpFrame | undefined {
  const read = readPacket(frame, protocols.udp);
  if (read === undefined || read.packet.content.length < udpHeaderBytes) return undefined;
  const { content } = read.packet;
  const udpBytes = content.readUInt16BE(4);
  if (udpBytes < udpHeaderBytes || udpBytes > content.length) return undefined;
  const udp = content.subarray(0, udpBytes);
  if (!udpChecksumHolds(read.packet, udp)) return undefined;
  return {
    ...addressesOf(frame, read),
    srcPort: udp.readUInt16BE(0),
    dstPort: udp.readUInt16BE(2),
    payload: udp.subarray(udpHeaderBytes),
  };
}

/**
 * The frame, with all checksums; IPv4 with DF set and identification 0 (an atomic datagram, RFC 6864 §4.1). Throws a RangeError on an address
 * that is none or of the other family, a port or VLAN id out of range, or more payload than the length fields hold.
 */
export function buildUdpFrame(parts: UdpFrame): Buffer {
  const contentBytes = udpHeaderBytes + parts.payload.length;
  const { frame, packet } = newPacket(parts, { protocol: protocols.udp, hopLimit: ttl, contentBytes });
  const udp = packet.content;
  udp.writeUInt16BE(parts.srcPort, 0);
  udp.writeUInt16BE(parts.dstPort, 2);
  udp.writeUInt16BE(udp.length, 4);
  parts.payload.copy(udp, udpHeaderBytes);
  // A computed zero is sent as all ones: zero means "no checksum" (RFC 768).
  udp.writeUInt16BE(internetChecksum(udp, pseudoHeaderSum(packet, protocols.udp, udp.length)) || 0xffff, 6);
  return frame;
}

export function readIpv4(bytes: Buffer, at: number): string {
  return `${bytes.readUInt8(at)}.${bytes.readUInt8(at + 1)}.${bytes.readUInt8(at + 2)}.${bytes.readUInt8(at + 3)}`;
}

/** Throws a RangeError when `address` is not dotted decimal. */
export function writeIpv4(bytes: Buffer, at: number, address: string): void {
  const octets = address.split('.');
  if (octets.length !== 4 || !octets.every((octet) => /^(0|[1-9]\d{0,2})$/.test(octet) && Number(octet) < 256)) {
    throw new RangeError(`${address} is not an IPv4 address`);
  }
  octets.forEach((octet, index) => {
    bytes.writeUInt8(Number(octet), at + index);
  });
}

function udpChecksumHolds(packet: IpPacket, udp: Buffer): boolean {
  const stored = udp.readUInt16BE(6);
  // RFC 8200 §8.1: over IPv6 there is always one.
  if (stored === 0) return packet.src.length === 4;
  const pseudo = pseudoHeaderSum(packet, protocols.udp, udp.length);
  return internetChecksum(udp, pseudo) === 0 || stored === foldSum(pseudo);
}
