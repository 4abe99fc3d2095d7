/**
 * Punt and inject records: frames between forwarder and plugins, little endian.
 *
 *   u8 version · u8 flags · u16 class · u32 length · u32 port · u32 generation · u32 vrf · u16 vlan · u16 reserved · u64 timestamp ns
 *   payload (an Ethernet frame), padded to 8 bytes
 *
 * A frame on the bus holds one or more records back to back.
 */
export const puntVersion = 1;
export const puntHeaderBytes = 32;
/** flags: `vlan` holds the tag that the frame carried. */
export const puntFlagVlan = 1;

export interface PuntRecord {
  readonly puntClass: number;
  readonly flags: number;
  readonly port: number;
  /** Of the port; an injection with a stale one is dropped. */
  readonly generation: number;
  readonly vrf: number;
  readonly vlan: number;
  readonly timestampNs: bigint;
  /** The Ethernet frame; a view into the batch, valid until the handler returns. */
  readonly frame: Buffer;
}

/** Reads a batch; stops at the first record that is cut short or of another version. */
export function* readPunts(batch: Buffer): Generator<PuntRecord> {
  let at = 0;
  while (at + puntHeaderBytes <= batch.length) {
    const length = batch.readUInt32LE(at + 4);
    const end = at + puntHeaderBytes + length;
    if (batch[at] !== puntVersion || end > batch.length) return;
    yield {
      flags: batch.readUInt8(at + 1),
      puntClass: batch.readUInt16LE(at + 2),
      port: batch.readUInt32LE(at + 8),
      generation: batch.readUInt32LE(at + 12),
      vrf: batch.readUInt32LE(at + 16),
      vlan: batch.readUInt16LE(at + 20),
      timestampNs: batch.readBigUInt64LE(at + 24),
      frame: batch.subarray(at + puntHeaderBytes, end),
    };
    at = (end + 7) & ~7;
  }
}

/** One record, ready to be joined with others into an inject batch. */
export function packPunt(record: Pick<PuntRecord, 'port' | 'generation' | 'frame'> & Partial<PuntRecord>): Buffer {
  const length = record.frame.length;
  const out = Buffer.alloc((puntHeaderBytes + length + 7) & ~7);
  out.writeUInt8(puntVersion, 0);
  out.writeUInt8(record.flags ?? 0, 1);
  out.writeUInt16LE(record.puntClass ?? 0, 2);
  out.writeUInt32LE(length, 4);
  out.writeUInt32LE(record.port, 8);
  out.writeUInt32LE(record.generation, 12);
  out.writeUInt32LE(record.vrf ?? 0, 16);
  out.writeUInt16LE(record.vlan ?? 0, 20);
  out.writeBigUInt64LE(record.timestampNs ?? 0n, 24);
  record.frame.copy(out, puntHeaderBytes);
  return out;
}

/** What to inject so that `frame` leaves through the port, and with the VLAN tag, that `record` came with. */
export function replyTo(
  record: Pick<PuntRecord, 'port' | 'generation' | 'flags' | 'vlan'>,
  frame: Buffer,
): Pick<PuntRecord, 'port' | 'generation' | 'flags' | 'vlan' | 'frame'> {
  return { port: record.port, generation: record.generation, flags: record.flags & puntFlagVlan, vlan: record.vlan, frame };
}
