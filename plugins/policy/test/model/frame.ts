/** The bytes of a packet. Checksums of layer 4 are not computed: nothing on its way looks at them. */
import { internetChecksum, ipBytes } from '@weft/kernel/contract/net';
import { icmpProtocol, isIcmpError } from './icmp.ts';
import { hasPorts, type Packet } from './packet.ts';

const ethernetBytes = 14;
const headerBytes = { 4: 20, 6: 40 } as const;
const fragmentHeader = 44;

/** Length of the IP packet. */
export const frameLength = (packet: Packet): number => ipPacket(packet).length;

export function frameOf(packet: Packet): Buffer {
  const ethernet = Buffer.alloc(ethernetBytes);
  ethernet.write(packet.dstMac.replaceAll(':', ''), 0, 'hex');
  ethernet.write(packet.srcMac.replaceAll(':', ''), 6, 'hex');
  ethernet.writeUInt16BE(packet.family === 4 ? 0x0800 : 0x86dd, 12);
  return Buffer.concat([ethernet, ipPacket(packet)]);
}

/** What a frame holds but for what routers change: hop limit and header checksum. As a key. */
export function contentOf(frame: Buffer): string {
  const ip = Buffer.from(frame.subarray(ethernetBytes));
  if (ip.length < 20) return ip.toString('hex');
  if (ip.readUInt8(0) >> 4 === 4) {
    ip.writeUInt8(0, 8);
    ip.writeUInt16BE(0, 10);
  } else {
    ip.writeUInt8(0, 7);
  }
  return ip.toString('latin1');
}

function ipPacket(packet: Packet): Buffer {
  const content = contentBytes(packet);
  const { fragment } = packet;
  const part = fragment ? content.subarray(fragment.offset, fragment.offset + fragment.bytes) : content;
  return packet.family === 4 ? ipv4(packet, part) : ipv6(packet, part);
}

function ipv4({ src, dst, protocol, fragment }: Packet, content: Buffer): Buffer {
  const ip = Buffer.alloc(headerBytes[4]);
  ip.writeUInt8(0x45, 0);
  ip.writeUInt16BE(ip.length + content.length, 2);
  ip.writeUInt16BE(fragment?.id ?? 0, 4);
  ip.writeUInt16BE(fragment ? (fragment.offset >> 3) | (fragment.more ? 0x2000 : 0) : 0x4000, 6);
  ip.writeUInt8(64, 8);
  ip.writeUInt8(protocol, 9);
  ip.set(ipBytes(src), 12);
  ip.set(ipBytes(dst), 16);
  ip.writeUInt16BE(internetChecksum(ip), 10);
  return Buffer.concat([ip, content]);
}

function ipv6({ src, dst, protocol, fragment }: Packet, content: Buffer): Buffer {
  const ip = Buffer.alloc(headerBytes[6] + (fragment ? 8 : 0));
  ip.writeUInt8(0x60, 0);
  ip.writeUInt16BE(ip.length - headerBytes[6] + content.length, 4);
  ip.writeUInt8(fragment ? fragmentHeader : protocol, 6);
  ip.writeUInt8(64, 7);
  ip.set(ipBytes(src), 8);
  ip.set(ipBytes(dst), 24);
  if (fragment) {
    ip.writeUInt8(protocol, 40);
    ip.writeUInt16BE(fragment.offset | (fragment.more ? 1 : 0), 42);
    ip.writeUInt32BE(fragment.id, 44);
  }
  return Buffer.concat([ip, content]);
}

/** What follows the IP header of the whole datagram. */
function contentBytes(packet: Packet): Buffer {
  const { protocol, family, tcp, icmp } = packet;
  if (tcp) return tcpBytes(packet, tcp);
  if (hasPorts(protocol)) return portsBytes(packet);
  if (icmp && protocol === icmpProtocol(family)) return icmpBytes(packet, icmp);
  return Buffer.alloc(packet.payload, protocol);
}

function tcpBytes({ srcPort = 0, dstPort = 0 }: Packet, { flags, seq, ack, length }: NonNullable<Packet['tcp']>): Buffer {
  const bytes = Buffer.alloc(20 + length, 0x74);
  bytes.writeUInt16BE(srcPort, 0);
  bytes.writeUInt16BE(dstPort, 2);
  bytes.writeUInt32BE(seq, 4);
  bytes.writeUInt32BE(ack, 8);
  bytes.writeUInt8(5 << 4, 12);
  bytes.writeUInt8(flags, 13);
  return bytes;
}

/** UDP, SCTP, UDP-Lite and DCCP all begin with two ports. */
function portsBytes({ srcPort = 0, dstPort = 0, protocol, payload }: Packet): Buffer {
  const header = protocol === 17 || protocol === 136 ? 8 : protocol === 33 ? 16 : 12;
  const bytes = Buffer.alloc(header + payload, 0x75);
  bytes.writeUInt16BE(srcPort, 0);
  bytes.writeUInt16BE(dstPort, 2);
  if (header === 8) bytes.writeUInt16BE(bytes.length, 4);
  return bytes;
}

function icmpBytes({ family, payload }: Packet, { type, code, id, quote }: NonNullable<Packet['icmp']>): Buffer {
  const bytes = Buffer.alloc(8 + (quote ? 0 : payload), 0x69);
  bytes.fill(0, 0, 8);
  bytes.writeUInt8(type, 0);
  bytes.writeUInt8(code, 1);
  if (!isIcmpError(family, type)) bytes.writeUInt16BE(id, 4);
  if (!quote) return bytes;
  const whole = ipPacket(quote.packet);
  const header = headerBytes[quote.packet.family] + (quote.packet.family === 6 && quote.packet.fragment ? 8 : 0);
  return Buffer.concat([bytes, whole.subarray(0, header + quote.bytes)]);
}
