/** One line about a frame, for people. Pure; nothing throws on bytes from a VM: what is cut short is named as far as it is there. */
import { readIp, readMac } from '@weft/kernel/contract/net';

const tcpFlags = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG'] as const;
const icmpTypes: Readonly<Record<number, string>> = {
  0: 'echo reply',
  3: 'destination unreachable',
  5: 'redirect',
  8: 'echo request',
  11: 'time exceeded',
};
const icmp6Types: Readonly<Record<number, string>> = {
  1: 'destination unreachable',
  2: 'packet too big',
  3: 'time exceeded',
  128: 'echo request',
  129: 'echo reply',
  130: 'multicast listener query',
  133: 'router solicitation',
  134: 'router advertisement',
  135: 'neighbor solicitation',
  136: 'neighbor advertisement',
  137: 'redirect',
  143: 'multicast listener report',
};
/** Extension headers that tell their length in units of 8 bytes (RFC 8200 §4). */
const skippable = new Set([0, 43, 60]);
const fragmentHeader = 44;

export function frameSummary(frame: Buffer): string {
  if (frame.length < 14) return `${frame.length} bytes`;
  const tagged = frame.readUInt16BE(12) === 0x8100 && frame.length >= 18;
  const at = tagged ? 18 : 14;
  const tag = tagged ? `vlan ${frame.readUInt16BE(14) & 0xfff} ` : '';
  const type = frame.readUInt16BE(at - 2);
  const rest = frame.subarray(at);
  const text = type === 0x0800 ? ipv4(rest) : type === 0x86dd ? ipv6(rest) : type === 0x0806 ? arp(rest) : undefined;
  return tag + (text ?? `${readMac(frame, 6)} > ${readMac(frame, 0)} ethertype 0x${type.toString(16).padStart(4, '0')}`);
}

function arp(packet: Buffer): string | undefined {
  if (packet.length < 28) return undefined;
  const [sender, target] = [readIp(packet.subarray(14, 18)), readIp(packet.subarray(24, 28))];
  return packet.readUInt16BE(6) === 1 ? `ARP who has ${target}? tell ${sender}` : `ARP ${sender} is at ${readMac(packet, 8)}`;
}

function ipv4(packet: Buffer): string | undefined {
  if (packet.length < 20) return undefined;
  const offset = packet.readUInt16BE(6) & 0x1fff;
  const ends = [readIp(packet.subarray(12, 16)), readIp(packet.subarray(16, 20))] as const;
  if (offset > 0) return `${ends.join(' > ')} fragment at ${offset * 8}`;
  return upper(packet.readUInt8(9), packet.subarray((packet.readUInt8(0) & 0x0f) * 4), ends, icmpTypes);
}

function ipv6(packet: Buffer): string | undefined {
  if (packet.length < 40) return undefined;
  const ends = [readIp(packet.subarray(8, 24)), readIp(packet.subarray(24, 40))] as const;
  let next = packet.readUInt8(6);
  let rest = packet.subarray(40);
  while (skippable.has(next) && rest.length >= 8) [next, rest] = [rest.readUInt8(0), rest.subarray((rest.readUInt8(1) + 1) * 8)];
  if (next === fragmentHeader && rest.length >= 8) {
    const offset = rest.readUInt16BE(2) & 0xfff8;
    if (offset > 0) return `${ends.join(' > ')} fragment at ${offset}`;
    [next, rest] = [rest.readUInt8(0), rest.subarray(8)];
  }
  return upper(next, rest, ends, icmp6Types);
}

function upper(
  protocol: number,
  packet: Buffer,
  [src, dst]: readonly [string, string],
  icmpNames: Readonly<Record<number, string>>,
): string {
  const isIcmp = protocol === (icmpNames === icmpTypes ? 1 : 58);
  if (isIcmp && packet.length >= 1) {
    const type = packet.readUInt8(0);
    return `${src} > ${dst} ICMP${icmpNames === icmpTypes ? '' : 'v6'} ${icmpNames[type] ?? `type ${type}`}${asked(type, packet)}`;
  }
  if ((protocol !== 6 && protocol !== 17) || packet.length < 4) return `${src} > ${dst} protocol ${protocol}`;
  const ends = `${withPort(src, packet.readUInt16BE(0))} > ${withPort(dst, packet.readUInt16BE(2))}`;
  if (protocol === 17 || packet.length < 14) return `${ends} ${protocol === 17 ? 'UDP' : 'TCP'}`;
  const bits = packet.readUInt8(13);
  return `${ends} TCP ${tcpFlags.filter((_, bit) => (bits & (1 << bit)) !== 0).join(',')}`;
}

/** The target of a neighbour message. */
function asked(type: number, packet: Buffer): string {
  return (type === 135 || type === 136) && packet.length >= 24 ? ` ${readIp(packet.subarray(8, 24))}` : '';
}

function withPort(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
