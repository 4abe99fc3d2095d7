/**
 * UDP over IPv4 over Ethernet, as plugins meet it in punts: bytes ↔ `UdpFrame`. Pure; every read is bounds-checked; nothing throws on bytes from a VM.
 *
 *   dst MAC 6 · src MAC 6 · [802.1Q: 81 00 · tag 2] · 08 00 · IPv4 header (RFC 791) · UDP header (RFC 768) · payload [· padding]
 */

/** Addresses as text: `02:00:00:00:00:01`, `10.1.0.11`. Ports in host order. */
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
const udpHeaderBytes = 8;
const etherTypeIpv4 = 0x0800;
const etherTypeVlan = 0x8100;
const protocolUdp = 17;
const ttl = 64;

/**
 * The UDP datagram in `frame`, or undefined when it is cut short, no UDP over IPv4, a fragment, or has a wrong checksum. A checksum of zero
 * (none) passes, and so does the bare sum of the pseudo-header: what a VM leaves that counts on its virtual NIC to finish the sum.
 */
export function parseUdpFrame(frame: Buffer): UdpFrame | undefined {
  if (frame.length < ethernetBytes) return undefined;
  const tagged = frame.readUInt16BE(12) === etherTypeVlan;
  const l3 = ethernetBytes + (tagged ? vlanTagBytes : 0);
  if (frame.length < l3 + ipv4HeaderBytes || frame.readUInt16BE(l3 - 2) !== etherTypeIpv4) return undefined;
  const headerBytes = (frame.readUInt8(l3) & 0x0f) * 4;
  const totalBytes = frame.readUInt16BE(l3 + 2);
  if (frame.readUInt8(l3) >> 4 !== 4 || headerBytes < ipv4HeaderBytes) return undefined;
  if (totalBytes < headerBytes + udpHeaderBytes || l3 + totalBytes > frame.length) return undefined;
  if (frame.readUInt8(l3 + 9) !== protocolUdp || (frame.readUInt16BE(l3 + 6) & 0x3fff) !== 0) return undefined;
  if (internetChecksum(frame.subarray(l3, l3 + headerBytes)) !== 0) return undefined;
  const packet = frame.subarray(l3, l3 + totalBytes);
  const udp = packet.subarray(headerBytes);
  const udpBytes = udp.readUInt16BE(4);
  if (udpBytes < udpHeaderBytes || udpBytes > udp.length || !udpChecksumHolds(packet, udp.subarray(0, udpBytes))) return undefined;
  return {
    dstMac: readMac(frame, 0),
    srcMac: readMac(frame, 6),
    ...(tagged ? { vlan: frame.readUInt16BE(ethernetBytes) & 0x0fff } : {}),
    src: readIpv4(packet, 12),
    dst: readIpv4(packet, 16),
    srcPort: udp.readUInt16BE(0),
    dstPort: udp.readUInt16BE(2),
    payload: udp.subarray(udpHeaderBytes, udpBytes),
  };
}

/**
 * The frame, with both checksums, DF set and identification 0 (an atomic datagram, RFC 6864 §4.1).
 * Throws a RangeError on an address that is none, a port or VLAN id out of range, or more than 65,507 bytes of payload.
 */
export function buildUdpFrame(parts: UdpFrame): Buffer {
  const l3 = ethernetBytes + (parts.vlan === undefined ? 0 : vlanTagBytes);
  const udpBytes = udpHeaderBytes + parts.payload.length;
  const frame = Buffer.alloc(l3 + ipv4HeaderBytes + udpBytes);
  writeMac(frame, 0, parts.dstMac);
  writeMac(frame, 6, parts.srcMac);
  if (parts.vlan !== undefined) {
    if (!(parts.vlan >= 0 && parts.vlan < 4096)) throw new RangeError(`VLAN id ${parts.vlan} is not in 0–4095`);
    frame.writeUInt16BE(etherTypeVlan, 12);
    frame.writeUInt16BE(parts.vlan, ethernetBytes);
  }
  frame.writeUInt16BE(etherTypeIpv4, l3 - 2);
  const packet = frame.subarray(l3);
  packet.writeUInt8(0x45, 0);
  packet.writeUInt16BE(packet.length, 2);
  packet.writeUInt16BE(0x4000, 6);
  packet.writeUInt8(ttl, 8);
  packet.writeUInt8(protocolUdp, 9);
  writeIpv4(packet, 12, parts.src);
  writeIpv4(packet, 16, parts.dst);
  packet.writeUInt16BE(internetChecksum(packet.subarray(0, ipv4HeaderBytes)), 10);
  const udp = packet.subarray(ipv4HeaderBytes);
  udp.writeUInt16BE(parts.srcPort, 0);
  udp.writeUInt16BE(parts.dstPort, 2);
  udp.writeUInt16BE(udpBytes, 4);
  parts.payload.copy(udp, udpHeaderBytes);
  // A computed zero is sent as all ones: zero means "no checksum" (RFC 768).
  udp.writeUInt16BE(internetChecksum(udp, pseudoHeaderSum(packet, udpBytes)) || 0xffff, 6);
  return frame;
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

function udpChecksumHolds(packet: Buffer, udp: Buffer): boolean {
  const stored = udp.readUInt16BE(6);
  if (stored === 0) return true;
  const pseudo = pseudoHeaderSum(packet, udp.length);
  return internetChecksum(udp, pseudo) === 0 || stored === fold(pseudo);
}

/** Unfolded sum over source, destination, protocol and UDP length (RFC 768). */
function pseudoHeaderSum(packet: Buffer, udpBytes: number): number {
  let sum = protocolUdp + udpBytes;
  for (let at = 12; at < 20; at += 2) sum += packet.readUInt16BE(at);
  return sum;
}

function fold(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000);
  return folded;
}
