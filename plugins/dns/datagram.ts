/**
 * UDP datagrams in punted frames as views, and the frames that answer them: `parseUdpFrame` and `buildUdpFrame` of the contract without turning
 * addresses into text and back, which takes longer than an answer.
 */
import { gatewayMac, internetChecksum, writeMac } from '@weft/kernel/contract/net';

export interface Datagram {
  /** The frame, or its part up to the payload. */
  readonly frame: Buffer;
  /** Where the IP header begins. */
  readonly l3: number;
  /** Where the UDP header begins. */
  readonly l4: number;
  readonly srcPort: number;
  readonly dstPort: number;
}

const macBytes = 6;
const ethernetBytes = 14;
const vlanTagBytes = 4;
const etherTypeIpv4 = 0x0800;
const etherTypeIpv6 = 0x86dd;
const etherTypeVlan = 0x8100;
const ipv4HeaderBytes = 20;
const ipv6HeaderBytes = 40;
const udpHeaderBytes = 8;
const protocolUdp = 17;
const hops = 64;

const gateway = Buffer.alloc(macBytes);
writeMac(gateway, 0, gatewayMac);

/** What `parseUdpFrame` takes, with its payload; undefined for what that refuses. Both are views. */
export function readDatagram(frame: Buffer): { readonly datagram: Datagram; readonly payload: Buffer } | undefined {
  if (frame.length < ethernetBytes + ipv4HeaderBytes) return undefined;
  const l3 = frame.readUInt16BE(12) === etherTypeVlan ? ethernetBytes + vlanTagBytes : ethernetBytes;
  const etherType = frame.readUInt16BE(l3 - 2);
  const part = etherType === etherTypeIpv4 ? ipv4Part(frame, l3) : etherType === etherTypeIpv6 ? ipv6Part(frame, l3) : undefined;
  if (part === undefined || part.end - part.l4 < udpHeaderBytes) return undefined;
  const { l4 } = part;
  const length = frame.readUInt16BE(l4 + 4);
  if (length < udpHeaderBytes || length > part.end - l4) return undefined;
  const udp = frame.subarray(l4, l4 + length);
  if (!checksumHolds(frame, l3, etherType, udp)) return undefined;
  const datagram = { frame, l3, l4, srcPort: udp.readUInt16BE(0), dstPort: udp.readUInt16BE(2) };
  return { datagram, payload: udp.subarray(udpHeaderBytes) };
}

/** What of a datagram its answer needs, in memory of its own. */
export function detached({ frame, l3, l4, srcPort, dstPort }: Datagram): Datagram {
  return { frame: Buffer.from(frame.subarray(0, l4 + udpHeaderBytes)), l3, l4, srcPort, dstPort };
}

/** The frame that carries `payload` back, from the address and port that were asked. */
export function answerFrame({ frame, l3, srcPort, dstPort }: Datagram, payload: Buffer): Buffer {
  const isV4 = frame.readUInt16BE(l3 - 2) === etherTypeIpv4;
  const l4 = l3 + (isV4 ? ipv4HeaderBytes : ipv6HeaderBytes);
  const out = Buffer.alloc(l4 + udpHeaderBytes + payload.length);
  frame.copy(out, 0, macBytes, 2 * macBytes);
  gateway.copy(out, macBytes);
  frame.copy(out, 2 * macBytes, 2 * macBytes, l3);
  // Of a tag inside the frame only the VLAN stays.
  if (l3 > ethernetBytes) out.writeUInt16BE(frame.readUInt16BE(ethernetBytes) & 0x0fff, ethernetBytes);
  if (isV4) writeIpv4(out, frame, l3);
  else writeIpv6(out, frame, l3, out.length - l4);
  const udp = out.subarray(l4);
  udp.writeUInt16BE(dstPort, 0);
  udp.writeUInt16BE(srcPort, 2);
  udp.writeUInt16BE(udp.length, 4);
  payload.copy(udp, udpHeaderBytes);
  // A computed zero is sent as all ones: zero means "no checksum" (RFC 768).
  udp.writeUInt16BE(internetChecksum(udp, pseudoHeaderSum(out, l3, isV4, udp.length)) || 0xffff, 6);
  return out;
}

function ipv4Part(frame: Buffer, l3: number): { readonly l4: number; readonly end: number } | undefined {
  if (frame.length < l3 + ipv4HeaderBytes) return undefined;
  const first = frame.readUInt8(l3);
  const headerBytes = (first & 0x0f) * 4;
  const totalBytes = frame.readUInt16BE(l3 + 2);
  if (first >> 4 !== 4 || headerBytes < ipv4HeaderBytes || totalBytes < headerBytes || l3 + totalBytes > frame.length) return undefined;
  if (frame.readUInt8(l3 + 9) !== protocolUdp || (frame.readUInt16BE(l3 + 6) & 0x3fff) !== 0) return undefined;
  if (internetChecksum(frame.subarray(l3, l3 + headerBytes)) !== 0) return undefined;
  return { l4: l3 + headerBytes, end: l3 + totalBytes };
}

function ipv6Part(frame: Buffer, l3: number): { readonly l4: number; readonly end: number } | undefined {
  if (frame.length < l3 + ipv6HeaderBytes || frame.readUInt8(l3) >> 4 !== 6 || frame.readUInt8(l3 + 6) !== protocolUdp) return undefined;
  const end = l3 + ipv6HeaderBytes + frame.readUInt16BE(l3 + 4);
  return end > frame.length ? undefined : { l4: l3 + ipv6HeaderBytes, end };
}

/** As `parseUdpFrame` sees it: none over IPv4, whole, or the bare sum of the pseudo-header. */
function checksumHolds(frame: Buffer, l3: number, etherType: number, udp: Buffer): boolean {
  const isV4 = etherType === etherTypeIpv4;
  const stored = udp.readUInt16BE(6);
  if (stored === 0) return isV4;
  const pseudo = pseudoHeaderSum(frame, l3, isV4, udp.length);
  return internetChecksum(udp, pseudo) === 0 || stored === (internetChecksum(empty, pseudo) ^ 0xffff);
}

const empty = Buffer.alloc(0);

function pseudoHeaderSum(frame: Buffer, l3: number, isV4: boolean, udpBytes: number): number {
  const [from, to] = isV4 ? [l3 + 12, l3 + 20] : [l3 + 8, l3 + 40];
  let sum = protocolUdp + udpBytes;
  for (let at = from; at < to; at += 2) sum += frame.readUInt16BE(at);
  return sum;
}

/** Don't fragment, identification 0 (an atomic datagram, RFC 6864 §4.1). */
function writeIpv4(out: Buffer, asked: Buffer, l3: number): void {
  out.writeUInt8(0x45, l3);
  out.writeUInt16BE(out.length - l3, l3 + 2);
  out.writeUInt16BE(0x4000, l3 + 6);
  out.writeUInt8(hops, l3 + 8);
  out.writeUInt8(protocolUdp, l3 + 9);
  asked.copy(out, l3 + 12, l3 + 16, l3 + 20);
  asked.copy(out, l3 + 16, l3 + 12, l3 + 16);
  out.writeUInt16BE(internetChecksum(out.subarray(l3, l3 + ipv4HeaderBytes)), l3 + 10);
}

function writeIpv6(out: Buffer, asked: Buffer, l3: number, udpBytes: number): void {
  out.writeUInt8(0x60, l3);
  out.writeUInt16BE(udpBytes, l3 + 4);
  out.writeUInt8(protocolUdp, l3 + 6);
  out.writeUInt8(hops, l3 + 7);
  asked.copy(out, l3 + 8, l3 + 24, l3 + 40);
  asked.copy(out, l3 + 24, l3 + 8, l3 + 24);
}
