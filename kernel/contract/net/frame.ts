/**
 * UDP over IP over Ethernet, as plugins meet it in punts: bytes ↔ `UdpFrame`. Pure; every read is bounds-checked; nothing throws on bytes from a VM.
 *
 *   dst MAC 6 · src MAC 6 · [802.1Q: 81 00 · tag 2] · 08 00 · IPv4 header (RFC 791) · UDP header (RFC 768) · payload [· padding]
 *                                                  · 86 dd · IPv6 header (RFC 8200) ·
 */
import { type IpFamily, ipBytes, parseIp, readIp } from './ip.ts';

/** Addresses as text: `02:00:00:00:00:01`, `10.1.0.11`, `2001:db8::1`; `src` and `dst` of one family. Ports in host order. */
export interface UdpFrame {
  readonly srcMac: string;
  readonly dstMac: string;
  /** VLAN id of an 802.1Q tag inside the frame; absent without one. The tag named in a punt's header is not in the frame: hand it back with `replyTo`. */
  readonly vlan?: number;
  readonly src: string;
  readonly dst: string;
  readonly srcPort: number;
  readonly dstPort: number;
  /** A view into the parsed frame: copy what outlives it. */
  readonly payload: Buffer;
}

/** Longest UDP payload that an IPv4 packet of `mtu` bytes without options holds. */
export const udpPayloadLimit = (mtu: number): number => mtu - ipv4HeaderBytes - udpHeaderBytes;

const ethernetBytes = 14;
const vlanTagBytes = 4;
const ipv4HeaderBytes = 20;
const ipv6HeaderBytes = 40;
const udpHeaderBytes = 8;
const etherTypeIpv4 = 0x0800;
const etherTypeIpv6 = 0x86dd;
const etherTypeVlan = 0x8100;
const protocolUdp = 17;
const ttl = 64;

/** An IP packet that holds UDP. */
interface IpPacket {
  readonly src: Buffer;
  readonly dst: Buffer;
  /** From the UDP header to the end of the packet. */
  readonly udp: Buffer;
}

/**
 * The UDP datagram in `frame`, or undefined when it is cut short, no UDP, a fragment, behind IPv6 extension headers, or has a wrong checksum.
 * A checksum of zero (none) passes over IPv4, and so does over both the bare sum of the pseudo-header: what a VM leaves that counts on its
 * virtual NIC to finish the sum.
 */
export function parseUdpFrame(frame: Buffer): UdpFrame | undefined {
  if (frame.length < ethernetBytes) return undefined;
  const tagged = frame.readUInt16BE(12) === etherTypeVlan;
  const l3 = ethernetBytes + (tagged ? vlanTagBytes : 0);
  if (frame.length < l3) return undefined;
  const packet = readIpPacket(frame.readUInt16BE(l3 - 2), frame.subarray(l3));
  if (packet === undefined || packet.udp.length < udpHeaderBytes) return undefined;
  const udpBytes = packet.udp.readUInt16BE(4);
  if (udpBytes < udpHeaderBytes || udpBytes > packet.udp.length) return undefined;
  const udp = packet.udp.subarray(0, udpBytes);
  if (!udpChecksumHolds(packet, udp)) return undefined;
  return {
    dstMac: readMac(frame, 0),
    srcMac: readMac(frame, 6),
    ...(tagged ? { vlan: frame.readUInt16BE(ethernetBytes) & 0x0fff } : {}),
    src: readIp(packet.src),
    dst: readIp(packet.dst),
    srcPort: udp.readUInt16BE(0),
    dstPort: udp.readUInt16BE(2),
    payload: udp.subarray(udpHeaderBytes),
  };
}

function readIpPacket(etherType: number, packet: Buffer): IpPacket | undefined {
  if (etherType === etherTypeIpv4) return readIpv4Packet(packet);
  return etherType === etherTypeIpv6 ? readIpv6Packet(packet) : undefined;
}

function readIpv4Packet(packet: Buffer): IpPacket | undefined {
  if (packet.length < ipv4HeaderBytes) return undefined;
  const headerBytes = (packet.readUInt8(0) & 0x0f) * 4;
  const totalBytes = packet.readUInt16BE(2);
  if (packet.readUInt8(0) >> 4 !== 4 || headerBytes < ipv4HeaderBytes) return undefined;
  if (totalBytes < headerBytes || totalBytes > packet.length) return undefined;
  if (packet.readUInt8(9) !== protocolUdp || (packet.readUInt16BE(6) & 0x3fff) !== 0) return undefined;
  if (internetChecksum(packet.subarray(0, headerBytes)) !== 0) return undefined;
  return { src: packet.subarray(12, 16), dst: packet.subarray(16, 20), udp: packet.subarray(headerBytes, totalBytes) };
}

function readIpv6Packet(packet: Buffer): IpPacket | undefined {
  if (packet.length < ipv6HeaderBytes || packet.readUInt8(0) >> 4 !== 6 || packet.readUInt8(6) !== protocolUdp) return undefined;
  const totalBytes = ipv6HeaderBytes + packet.readUInt16BE(4);
  if (totalBytes > packet.length) return undefined;
  return { src: packet.subarray(8, 24), dst: packet.subarray(24, 40), udp: packet.subarray(ipv6HeaderBytes, totalBytes) };
}

/**
 * The frame, with all checksums; IPv4 with DF set and identification 0 (an atomic datagram, RFC 6864 §4.1). Throws a RangeError on an address
 * that is none or of the other family, a port or VLAN id out of range, or more payload than the length fields hold.
 */
export function buildUdpFrame(parts: UdpFrame): Buffer {
  const family = parts.src.includes(':') ? 6 : 4;
  const l3 = ethernetBytes + (parts.vlan === undefined ? 0 : vlanTagBytes);
  const headerBytes = family === 4 ? ipv4HeaderBytes : ipv6HeaderBytes;
  const frame = Buffer.alloc(l3 + headerBytes + udpHeaderBytes + parts.payload.length);
  writeMac(frame, 0, parts.dstMac);
  writeMac(frame, 6, parts.srcMac);
  if (parts.vlan !== undefined) {
    if (!(parts.vlan >= 0 && parts.vlan < 4096)) throw new RangeError(`VLAN id ${parts.vlan} is not in 0–4095`);
    frame.writeUInt16BE(etherTypeVlan, 12);
    frame.writeUInt16BE(parts.vlan, ethernetBytes);
  }
  frame.writeUInt16BE(family === 4 ? etherTypeIpv4 : etherTypeIpv6, l3 - 2);
  const packet = { src: addressBytes(parts.src, family), dst: addressBytes(parts.dst, family), udp: frame.subarray(l3 + headerBytes) };
  if (family === 4) writeIpv4Header(frame.subarray(l3), packet);
  else writeIpv6Header(frame.subarray(l3), packet);
  writeUdp(packet, parts);
  return frame;
}

function writeIpv4Header(out: Buffer, { src, dst }: IpPacket): void {
  out.writeUInt8(0x45, 0);
  out.writeUInt16BE(out.length, 2);
  out.writeUInt16BE(0x4000, 6);
  out.writeUInt8(ttl, 8);
  out.writeUInt8(protocolUdp, 9);
  src.copy(out, 12);
  dst.copy(out, 16);
  out.writeUInt16BE(internetChecksum(out.subarray(0, ipv4HeaderBytes)), 10);
}

function writeIpv6Header(out: Buffer, { src, dst, udp }: IpPacket): void {
  out.writeUInt8(0x60, 0);
  out.writeUInt16BE(udp.length, 4);
  out.writeUInt8(protocolUdp, 6);
  out.writeUInt8(ttl, 7);
  src.copy(out, 8);
  dst.copy(out, 24);
}

function writeUdp(packet: IpPacket, { srcPort, dstPort, payload }: UdpFrame): void {
  const { udp } = packet;
  udp.writeUInt16BE(srcPort, 0);
  udp.writeUInt16BE(dstPort, 2);
  udp.writeUInt16BE(udp.length, 4);
  payload.copy(udp, udpHeaderBytes);
  // A computed zero is sent as all ones: zero means "no checksum" (RFC 768).
  udp.writeUInt16BE(internetChecksum(udp, pseudoHeaderSum(packet, udp.length)) || 0xffff, 6);
}

/** The RFC 1071 checksum of `bytes`, in host order; `initial` is an unfolded sum to start from. Zero over data that holds its own checksum. */
export function internetChecksum(bytes: Buffer, initial = 0): number {
  let sum = initial;
  const even = bytes.length & ~1;
  for (let at = 0; at < even; at += 2) sum += bytes.readUInt16BE(at);
  if (even !== bytes.length) sum += bytes.readUInt8(even) << 8;
  return fold(sum) ^ 0xffff;
}

export function readMac(bytes: Buffer, at: number): string {
  return bytes.toString('hex', at, at + 6).replace(/(..)(?!$)/g, '$1:');
}

/** Throws a RangeError when `mac` is not six hex octets joined by colons. */
export function writeMac(bytes: Buffer, at: number, mac: string): void {
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(mac)) throw new RangeError(`${mac} is not an Ethernet address`);
  bytes.write(mac.replaceAll(':', ''), at, 6, 'hex');
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

function addressBytes(text: string, family: IpFamily): Buffer {
  const address = parseIp(text);
  if (address?.family !== family) throw new RangeError(`${text} is not an IPv${family} address`);
  return ipBytes(address);
}

function udpChecksumHolds(packet: IpPacket, udp: Buffer): boolean {
  const stored = udp.readUInt16BE(6);
  // RFC 8200 §8.1: over IPv6 there is always one.
  if (stored === 0) return packet.src.length === 4;
  const pseudo = pseudoHeaderSum(packet, udp.length);
  return internetChecksum(udp, pseudo) === 0 || stored === fold(pseudo);
}

/** Unfolded sum over source, destination, protocol and UDP length (RFC 768, RFC 8200 §8.1). */
function pseudoHeaderSum({ src, dst }: IpPacket, udpBytes: number): number {
  let sum = protocolUdp + udpBytes;
  for (let at = 0; at < src.length; at += 2) sum += src.readUInt16BE(at) + dst.readUInt16BE(at);
  return sum;
}

function fold(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000);
  return folded;
}
