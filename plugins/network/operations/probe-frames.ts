/** The frames that a VM would send, for traces: questions for a MAC address, and packets. Pure. */
import { internetChecksum, ipBytes, parseIp, writeMac } from '@weft/kernel/contract/net';

const broadcast = 'ff:ff:ff:ff:ff:ff';
const noMac = '00:00:00:00:00:00';
export const probeProtocols = ['icmp', 'tcp', 'udp'] as const;
export type ProbeProtocol = (typeof probeProtocols)[number];
const numbers = { 4: { icmp: 1, tcp: 6, udp: 17 }, 6: { icmp: 58, tcp: 6, udp: 17 } } as const;
const etherTypes = { arp: 0x0806, 4: 0x0800, 6: 0x86dd } as const;
const sourcePort = 49_152;
const echoIdentifier = 1;
const hopLimit = 64;

export interface Ends {
  readonly srcMac: string;
  readonly src: string;
  readonly dst: string;
}

/** Who has `dst`? ARP request (RFC 826) or neighbour solicitation (RFC 4861 §4.3). */
export function questionFrame({ srcMac, src, dst }: Ends): Buffer {
  const [sender, target] = [bytesOf(src), bytesOf(dst)];
  if (sender.length === 4) {
    const body = Buffer.alloc(28);
    body.set([0, 1, 8, 0, 6, 4, 0, 1]);
    writeMac(body, 8, srcMac);
    sender.copy(body, 14);
    writeMac(body, 18, noMac);
    target.copy(body, 24);
    return ethernet(broadcast, srcMac, etherTypes.arp, body);
  }
  // RFC 4291 §2.7.1: the solicited-node multicast address, on its Ethernet address (RFC 2464 §7).
  const group = Buffer.concat([Buffer.from('ff0200000000000000000001ff', 'hex'), target.subarray(13)]);
  const message = Buffer.alloc(32);
  message.writeUInt8(135, 0);
  target.copy(message, 8);
  message.set([1, 1], 24);
  writeMac(message, 26, srcMac);
  const to = `33:33:${[...group.subarray(12)].map((byte) => byte.toString(16).padStart(2, '0')).join(':')}`;
  return ethernet(to, srcMac, etherTypes[6], ipv6(sender, group, numbers[6].icmp, 255, message));
}

/** An echo request, a TCP SYN or a UDP datagram. `fromPort`: source port, or identifier of the echo request. */
export function packetFrame(
  { srcMac, src, dst }: Ends,
  dstMac: string,
  protocol: ProbeProtocol,
  l4Port: number,
  fromPort?: number,
): Buffer {
  const [from, to] = [bytesOf(src), bytesOf(dst)];
  const family = from.length === 4 ? 4 : 6;
  const number = numbers[family][protocol];
  const body = upper(protocol, family, l4Port, fromPort);
  const packet = family === 4 ? ipv4(from, to, number, body) : ipv6(from, to, number, hopLimit, body);
  return ethernet(dstMac, srcMac, etherTypes[family], packet);
}

/** MAC address of a group or broadcast address of the link; undefined for a host's (RFC 1112 §6.4, RFC 2464 §7). */
export function groupMac(address: string): string | undefined {
  const bytes = [...bytesOf(address)];
  const hex = (given: readonly number[]): string => given.map((byte) => byte.toString(16).padStart(2, '0')).join(':');
  if (address === '255.255.255.255') return broadcast;
  const [first = 0, second = 0] = bytes;
  if (bytes.length === 4 && first >= 224 && first < 240) return `01:00:5e:${hex([second & 0x7f, ...bytes.slice(2)])}`;
  return bytes.length === 16 && first === 0xff ? `33:33:${hex(bytes.slice(12))}` : undefined;
}

function upper(protocol: ProbeProtocol, family: 4 | 6, l4Port: number, fromPort?: number): Buffer {
  if (protocol === 'icmp') {
    const echo = Buffer.from([family === 4 ? 8 : 128, 0, 0, 0, 0, 0, 0, 1, ...Buffer.from('weft')]);
    echo.writeUInt16BE(fromPort ?? echoIdentifier, 4);
    return echo;
  }
  const header = Buffer.alloc(protocol === 'tcp' ? 20 : 8);
  header.writeUInt16BE(fromPort ?? sourcePort, 0);
  header.writeUInt16BE(l4Port, 2);
  if (protocol === 'udp') header.writeUInt16BE(header.length, 4);
  // Data offset 5, SYN, a window.
  else header.set([0x50, 0x02, 0xff, 0xff], 12);
  return header;
}

const checksumAt: Readonly<Record<number, number>> = { 1: 2, 6: 16, 17: 6, 58: 2 };

/** Fills in the checksum, over the pseudo-header but for ICMPv4. */
function seal(src: Buffer, dst: Buffer, protocol: number, body: Buffer): Buffer {
  const pseudo = Buffer.alloc(8);
  pseudo.writeUInt32BE(body.length, 0);
  pseudo.writeUInt32BE(protocol, 4);
  const summed = protocol === 1 ? body : Buffer.concat([src, dst, pseudo, body]);
  body.writeUInt16BE(internetChecksum(summed) || 0xffff, checksumAt[protocol] ?? 0);
  return body;
}

function ipv4(src: Buffer, dst: Buffer, protocol: number, body: Buffer): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt8(0x45, 0);
  header.writeUInt16BE(20 + body.length, 2);
  header.writeUInt16BE(0x4000, 6);
  header.writeUInt8(hopLimit, 8);
  header.writeUInt8(protocol, 9);
  src.copy(header, 12);
  dst.copy(header, 16);
  header.writeUInt16BE(internetChecksum(header), 10);
  return Buffer.concat([header, seal(src, dst, protocol, body)]);
}

function ipv6(src: Buffer, dst: Buffer, protocol: number, hops: number, body: Buffer): Buffer {
  const header = Buffer.alloc(40);
  header.writeUInt8(0x60, 0);
  header.writeUInt16BE(body.length, 4);
  header.writeUInt8(protocol, 6);
  header.writeUInt8(hops, 7);
  src.copy(header, 8);
  dst.copy(header, 24);
  return Buffer.concat([header, seal(src, dst, protocol, body)]);
}

function ethernet(dst: string, src: string, type: number, body: Buffer): Buffer {
  const header = Buffer.alloc(14);
  writeMac(header, 0, dst);
  writeMac(header, 6, src);
  header.writeUInt16BE(type, 12);
  return Buffer.concat([header, body]);
}

function bytesOf(address: string): Buffer {
  const parsed = parseIp(address);
  if (parsed === undefined) throw new RangeError(`${address} is not an IP address`);
  return ipBytes(parsed);
}
