/** ICMPv6 over IPv6 over Ethernet (RFC 4443 §2), as plugins meet it in punts. Pure; every read is bounds-checked; nothing throws on bytes from a VM. */
import { addressesOf, internetChecksum, newPacket, type PacketAddresses, pseudoHeaderSum, readPacket } from './packet.ts';
import { protocols } from './terms.ts';

/** Addresses of IPv6. */
export interface Icmpv6Frame extends PacketAddresses {
  readonly hopLimit: number;
  readonly type: number;
  readonly code: number;
  /** What follows the checksum. A view into the parsed frame: copy what outlives it. */
  readonly body: Buffer;
}

const headerBytes = 4;
const hopLimitAt = 7;

/** The ICMPv6 message in `frame`, or undefined when it is cut short, no ICMPv6, behind extension headers, or has a wrong checksum. */
export function parseIcmpv6Frame(frame: Buffer): Icmpv6Frame | undefined {
  const read = readPacket(frame, protocols.icmpv6);
  if (read === undefined || read.packet.src.length === 4 || read.packet.content.length < headerBytes) return undefined;
  const { content } = read.packet;
  if (internetChecksum(content, pseudoHeaderSum(read.packet, protocols.icmpv6, content.length)) !== 0) return undefined;
  return {
    ...addressesOf(frame, read),
    hopLimit: frame.readUInt8(read.l3 + hopLimitAt),
    type: content.readUInt8(0),
    code: content.readUInt8(1),
    body: content.subarray(headerBytes),
  };
}

/** The frame, with its checksum. Throws a RangeError on an address that is not IPv6, a number out of range, or more body than fits. */
export function buildIcmpv6Frame(parts: Icmpv6Frame): Buffer {
  const header = { protocol: protocols.icmpv6, hopLimit: parts.hopLimit, contentBytes: headerBytes + parts.body.length };
  const { frame, packet } = newPacket(parts, header);
  const { content } = packet;
  if (packet.src.length === 4) throw new RangeError(`${parts.src} is not an IPv6 address`);
  content.writeUInt8(parts.type, 0);
  content.writeUInt8(parts.code, 1);
  parts.body.copy(content, headerBytes);
  content.writeUInt16BE(internetChecksum(content, pseudoHeaderSum(packet, protocols.icmpv6, content.length)), 2);
  return frame;
}
