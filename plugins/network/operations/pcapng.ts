/**
 * pcapng files (draft-ietf-opsawg-pcapng), as Wireshark reads them: little endian, one section, one Ethernet interface, times in nanoseconds. Pure.
 *
 *   block   u32 type · u32 length · body, padded to 4 · u32 length
 *   option  u16 code · u16 length · value, padded to 4
 */
const sectionHeader = 0x0a0d0d0a;
const interfaceDescription = 1;
const enhancedPacket = 6;
const byteOrder = 0x1a2b3c4d;
const linkEthernet = 1;
const options = { end: 0, comment: 1, interfaceName: 2, packetFlags: 2, application: 4, packetLoss: 4, timeResolution: 9 } as const;
const nanoseconds = 9;
/** epb_flags: bits 0 and 1. */
const directionFlags = { none: 0, in: 1, out: 2 } as const;

export interface PcapngFrame {
  readonly timestampNs: bigint;
  /** As the capturing side sees it. */
  readonly direction: keyof typeof directionFlags;
  /** Of the whole frame; `data` may be cut. */
  readonly length: number;
  readonly data: Buffer;
  readonly comment?: string;
  /** Frames between the one before and this one that could not be captured. */
  readonly lost?: number;
}

/** What a file begins with. `snap`: bytes taken of each frame at most; 0: all. */
export function pcapngHead(interfaceName: string, snap: number): Buffer {
  const section = Buffer.alloc(16);
  section.writeUInt32LE(byteOrder, 0);
  section.writeUInt16LE(1, 4);
  // No version minor; a length of -1: it is not known before the end.
  section.writeBigInt64LE(-1n, 8);
  const link = Buffer.alloc(8);
  link.writeUInt16LE(linkEthernet, 0);
  link.writeUInt32LE(snap, 4);
  return Buffer.concat([
    block(sectionHeader, section, [option(options.application, Buffer.from('Weft'))]),
    block(interfaceDescription, link, [
      option(options.interfaceName, Buffer.from(interfaceName)),
      option(options.timeResolution, Buffer.from([nanoseconds])),
    ]),
  ]);
}

/** One frame of interface 0. */
export function pcapngFrame({ timestampNs, direction, length, data, comment, lost = 0 }: PcapngFrame): Buffer {
  const head = Buffer.alloc(20);
  head.writeUInt32LE(Number(timestampNs >> 32n), 4);
  head.writeUInt32LE(Number(timestampNs & 0xffff_ffffn), 8);
  head.writeUInt32LE(data.length, 12);
  head.writeUInt32LE(length, 16);
  const flags = Buffer.alloc(4);
  flags.writeUInt32LE(directionFlags[direction]);
  const missing = Buffer.alloc(8);
  missing.writeBigUInt64LE(BigInt(lost));
  return block(enhancedPacket, Buffer.concat([head, padded(data)]), [
    ...(comment === undefined ? [] : [option(options.comment, Buffer.from(comment))]),
    option(options.packetFlags, flags),
    ...(lost === 0 ? [] : [option(options.packetLoss, missing)]),
  ]);
}

function block(type: number, body: Buffer, given: readonly Buffer[]): Buffer {
  const content = Buffer.concat([body, ...given, option(options.end, Buffer.alloc(0))]);
  const head = Buffer.alloc(8);
  head.writeUInt32LE(type, 0);
  head.writeUInt32LE(content.length + 12, 4);
  return Buffer.concat([head, content, head.subarray(4)]);
}

function option(code: number, value: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(code, 0);
  head.writeUInt16LE(value.length, 2);
  return Buffer.concat([head, padded(value)]);
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}
