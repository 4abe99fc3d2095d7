/**
 * Ethernet, with or without one 802.1Q tag, and the IPv4 and IPv6 headers of packets without extension headers or fragments. For the files of this
 * folder that read and write what such packets hold. Pure; every read is bounds-checked; nothing throws on bytes from a VM.
 *
 *   dst MAC 6 · src MAC 6 · [802.1Q: 81 00 · tag 2] · 08 00 · IPv4 header (RFC 791) · content [· padding]
 *                                                  · 86 dd · IPv6 header (RFC 8200) ·
 */
import { type IpFamily, ipBytes, parseIp, readIp } from './ip.ts';

/** Addresses as text: `02:00:00:00:00:01`, `10.1.0.11`, `2001:db8::1`; `src` and `dst` of one family. */
export interface PacketAddresses {
  readonly srcMac: string;
  readonly dstMac: string;
  /** VLAN id of an 802.1Q tag inside the frame; absent without one. The tag named in a punt's header is not in the frame: hand it back with `replyTo`. */
  readonly vlan?: number;
  readonly src: string;
  readonly dst: string;
}

/** An IP packet: addresses in network order, and what follows its header. */
export interface IpPacket {
  readonly src: Buffer;
  readonly dst: Buffer;
  readonly content: Buffer;
}

/** The packet of a frame, and where its IP header begins. */
export interface ReadPacket {
  readonly packet: IpPacket;
  readonly l3: number;
  readonly tagged: boolean;
}

export const ipv4HeaderBytes = 20;
const ethernetBytes = 14;
const vlanTagBytes = 4;
const ipv6HeaderBytes = 40;
const etherTypeIpv4 = 0x0800;
const etherTypeIpv6 = 0x86dd;
const etherTypeVlan = 0x8100;

/** The packet in `frame` that holds `protocol`; undefined for any other, and for what is cut short, a fragment, or behind IPv6 extension headers. */
export function readPacket(frame: Buffer, protocol: number): ReadPacket | undefined {
  if (frame.length < ethernetBytes) return undefined;
  const tagged = frame.readUInt16BE(12) === etherTypeVlan;
  const l3 = ethernetBytes + (tagged ? vlanTagBytes : 0);
  if (frame.length < l3) return undefined;
  const packet = readIpPacket(frame.readUInt16BE(l3 - 2), frame.subarray(l3), protocol);
  return packet && { packet, l3, tagged };
}

export function addressesOf(frame: Buffer, { packet, tagged }: ReadPacket): PacketAddresses {
  return {
    dstMac: readMac(frame, 0),
    srcMac: readMac(frame, 6),
    ...(tagged ? { vlan: frame.readUInt16BE(ethernetBytes) & 0x0fff } : {}),
    src: readIp(packet.src),
    dst: readIp(packet.dst),
  };
}

function readIpPacket(etherType: number, packet: Buffer, protocol: number): IpPacket | undefined {
  if (etherType === etherTypeIpv4) return readIpv4Packet(packet, protocol);
  return etherType === etherTypeIpv6 ? readIpv6Packet(packet, protocol) : undefined;
}

function readIpv4Packet(packet: Buffer, protocol: number): IpPacket | undefined {
  if (packet.length < ipv4HeaderBytes) return undefined;
  const headerBytes = (packet.readUInt8(0) & 0x0f) * 4;
  const totalBytes = packet.readUInt16BE(2);
  if (packet.readUInt8(0) >> 4 !== 4 || headerBytes < ipv4HeaderBytes) return undefined;
  if (totalBytes < headerBytes || totalBytes > packet.length) return undefined;
  if (packet.readUInt8(9) !== protocol || (packet.readUInt16BE(6) & 0x3fff) !== 0) return undefined;
  if (internetChecksum(packet.subarray(0, headerBytes)) !== 0) return undefined;
  return { src: packet.subarray(12, 16), dst: packet.subarray(16, 20), content: packet.subarray(headerBytes, totalBytes) };
}

function readIpv6Packet(packet: Buffer, protocol: number): IpPacket | undefined {
  if (packet.length < ipv6HeaderBytes || packet.readUInt8(0) >> 4 !== 6 || packet.readUInt8(6) !== protocol) return undefined;
  const totalBytes = ipv6HeaderBytes + packet.readUInt16BE(4);
  if (totalBytes > packet.length) return undefined;
  return { src: packet.subarray(8, 24), dst: packet.subarray(24, 40), content: packet.subarray(ipv6HeaderBytes, totalBytes) };
}

/** What stands in the headers of a packet that is built. */
export interface PacketHeader {
  readonly protocol: number;
  readonly hopLimit: number;
  readonly contentBytes: number;
}

/**
 * A frame with all headers and room for the content; IPv4 with DF set and identification 0 (an atomic datagram, RFC 6864 §4.1). `packet.content` is a
 * view into it. Throws a RangeError on an address that is none or of the other family, a VLAN id out of range, or more content than the
 * length fields hold.
 */
export function newPacket(parts: PacketAddresses, header: PacketHeader): { readonly frame: Buffer; readonly packet: IpPacket } {
  const family = parts.src.includes(':') ? 6 : 4;
  const l3 = ethernetBytes + (parts.vlan === undefined ? 0 : vlanTagBytes);
  const headerBytes = family === 4 ? ipv4HeaderBytes : ipv6HeaderBytes;
  const frame = Buffer.alloc(l3 + headerBytes + header.contentBytes);
  writeMac(frame, 0, parts.dstMac);
  writeMac(frame, 6, parts.srcMac);
  if (parts.vlan !== undefined) {
    if (!(parts.vlan >= 0 && parts.vlan < 4096)) throw new RangeError(`VLAN id ${parts.vlan} is not in 0–4095`);
    frame.writeUInt16BE(etherTypeVlan, 12);
    frame.writeUInt16BE(parts.vlan, ethernetBytes);
  }
  frame.writeUInt16BE(family === 4 ? etherTypeIpv4 : etherTypeIpv6, l3 - 2);
  const packet = { src: addressBytes(parts.src, family), dst: addressBytes(parts.dst, family), content: frame.subarray(l3 + headerBytes) };
  if (family === 4) writeIpv4Header(frame.subarray(l3), packet, header);
  else writeIpv6Header(frame.subarray(l3), packet, header);
  return { frame, packet };
}

function writeIpv4Header(out: Buffer, { src, dst }: IpPacket, { protocol, hopLimit }: PacketHeader): void {
  out.writeUInt8(0x45, 0);
  out.writeUInt16BE(out.length, 2);
  out.writeUInt16BE(0x4000, 6);
  out.writeUInt8(hopLimit, 8);
  out.writeUInt8(protocol, 9);
  src.copy(out, 12);
  dst.copy(out, 16);
  out.writeUInt16BE(internetChecksum(out.subarray(0, ipv4HeaderBytes)), 10);
}

function writeIpv6Header(out: Buffer, { src, dst, content }: IpPacket, { protocol, hopLimit }: PacketHeader): void {
  out.writeUInt8(0x60, 0);
  out.writeUInt16BE(content.length, 4);
  out.writeUInt8(protocol, 6);
  out.writeUInt8(hopLimit, 7);
  src.copy(out, 8);
  dst.copy(out, 24);
}

function addressBytes(text: string, family: IpFamily): Buffer {
  const address = parseIp(text);
  if (address?.family !== family) throw new RangeError(`${text} is not an IPv${family} address`);
  return ipBytes(address);
}

/** The RFC 1071 checksum of `bytes`, in host order; `initial` is an unfolded sum to start from. Zero over data that holds its own checksum. */
export function internetChecksum(bytes: Buffer, initial = 0): number {
  let sum = initial;
  const even = bytes.length & ~1;
  for (let at = 0; at < even; at += 2) sum += bytes.readUInt16BE(at);
  if (even !== bytes.length) sum += bytes.readUInt8(even) << 8;
  return foldSum(sum) ^ 0xffff;
}

/** Unfolded sum over source, destination, protocol and length of the content (RFC 768, RFC 8200 §8.1). */
export function pseudoHeaderSum({ src, dst }: IpPacket, protocol: number, contentBytes: number): number {
  let sum = protocol + contentBytes;
  for (let at = 0; at < src.length; at += 2) sum += src.readUInt16BE(at) + dst.readUInt16BE(at);
  return sum;
}

export function foldSum(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000);
  return folded;
}

export function readMac(bytes: Buffer, at: number): string {
  return bytes.toString('hex', at, at + 6).replace(/(..)(?!$)/g, '$1:');
}

/** Throws a RangeError when `mac` is not six hex octets joined by colons. */
export function writeMac(bytes: Buffer, at: number, mac: string): void {
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(mac)) throw new RangeError(`${mac} is not an Ethernet address`);
  bytes.write(mac.replaceAll(':', ''), at, 6, 'hex');
}
