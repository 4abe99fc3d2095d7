/**
 * DNS messages: bytes ↔ `DnsMessage` (RFC 1035 §4, EDNS RFC 6891). No I/O, no rules.
 *
 *   id 2 · QR 1 bit, opcode 4, AA TC RD RA Z AD CD 1 each, rcode 4 · four counts, 2 each · questions · answers · authorities · additionals
 */
import { recordTypes } from './iana.ts';
import type { Name } from './name.ts';
import { readRdata, writeRdata } from './rdata.ts';
import { DnsFormatError, Reader, Writer } from './wire.ts';

export interface Question {
  readonly name: Name;
  readonly type: number;
  readonly class: number;
}

export interface ResourceRecord extends Question {
  readonly ttl: number;
  /** Names inside are uncompressed. */
  readonly data: Buffer;
}

interface Edns {
  /** Largest UDP payload that the sender takes, as sent. */
  readonly size: number;
  readonly version: number;
  /** DNSSEC OK (RFC 3225). */
  readonly dnssecOk: boolean;
  /** Options as they stand on the wire. */
  readonly options: Buffer;
}

export interface Header {
  readonly id: number;
  readonly response: boolean;
  readonly opcode: number;
  readonly authoritative: boolean;
  readonly truncated: boolean;
  readonly recursionDesired: boolean;
  readonly recursionAvailable: boolean;
  readonly authenticData: boolean;
  readonly checkingDisabled: boolean;
  /** With EDNS, all 12 bits. */
  readonly rcode: number;
}

export interface DnsMessage extends Header {
  readonly questions: readonly Question[];
  readonly answers: readonly ResourceRecord[];
  readonly authorities: readonly ResourceRecord[];
  /** Without OPT. */
  readonly additionals: readonly ResourceRecord[];
  readonly edns?: Edns;
}

const headerBytes = 12;
const flagBits = {
  response: 0x8000,
  authoritative: 0x0400,
  truncated: 0x0200,
  recursionDesired: 0x0100,
  recursionAvailable: 0x0080,
  authenticData: 0x0020,
  checkingDisabled: 0x0010,
} as const;
const dnssecOkBit = 0x8000;

/** The first 12 bytes alone: enough to answer what cannot be read further. Undefined when there are fewer. */
export function parseHeader(bytes: Buffer): Header | undefined {
  if (bytes.length < headerBytes) return undefined;
  const flags = bytes.readUInt16BE(2);
  const set = (bit: number): boolean => (flags & bit) !== 0;
  return {
    id: bytes.readUInt16BE(0),
    response: set(flagBits.response),
    opcode: (flags >> 11) & 0x0f,
    authoritative: set(flagBits.authoritative),
    truncated: set(flagBits.truncated),
    recursionDesired: set(flagBits.recursionDesired),
    recursionAvailable: set(flagBits.recursionAvailable),
    authenticData: set(flagBits.authenticData),
    checkingDisabled: set(flagBits.checkingDisabled),
    rcode: flags & 0x0f,
  };
}

/** Reads a whole message. Throws DnsFormatError when it is malformed, has two OPT records, or bytes behind its end. */
export function parseDns(bytes: Buffer): DnsMessage {
  const header = parseHeader(bytes);
  if (header === undefined) throw new DnsFormatError('message is shorter than a header');
  const reader = new Reader(bytes, 4);
  const counts = [reader.uint16(), reader.uint16(), reader.uint16(), reader.uint16()] as const;
  const questions = times(counts[0], () => readQuestion(reader));
  const answers = times(counts[1], () => readRecord(reader));
  const authorities = times(counts[2], () => readRecord(reader));
  const last = times(counts[3], () => readRecord(reader));
  if (reader.left > 0) throw new DnsFormatError('bytes behind the message');
  if ([...answers, ...authorities].some((record) => record.type === recordTypes.OPT)) throw new DnsFormatError('OPT in a wrong section');
  const options = last.filter((record) => record.type === recordTypes.OPT);
  const additionals = last.filter((record) => record.type !== recordTypes.OPT);
  const message = { ...header, questions, answers, authorities, additionals };
  const [opt] = options;
  if (opt === undefined) return message;
  if (options.length > 1) throw new DnsFormatError('more than one OPT record');
  return { ...message, rcode: header.rcode | ((opt.ttl >>> 24) << 4), edns: readEdns(opt) };
}

/** The same; undefined for what it would throw on. */
export function tryParseDns(bytes: Buffer): DnsMessage | undefined {
  try {
    return parseDns(bytes);
  } catch (error) {
    if (error instanceof DnsFormatError) return undefined;
    throw error;
  }
}

/**
 * Writes a message. When it takes more than `limit` bytes (at least 512), all records but OPT are left out and TC is set (RFC 2181 §9).
 * Additional records go first and set no TC.
 */
export function buildDns(message: DnsMessage, limit = 0xffff): Buffer {
  const writer = new Writer();
  writeHeader(writer, message);
  for (const question of message.questions) writeQuestion(writer, question);
  const afterQuestions = writer.length;
  const optBytes = message.edns === undefined ? 0 : 11 + message.edns.options.length;
  const records = [...message.answers, ...message.authorities];
  let counts = [message.answers.length, message.authorities.length, 0];
  if (writeWhileFitting(writer, records, limit - optBytes) < records.length) {
    writer.rewind(afterQuestions);
    writer.patchUint16(2, flagsOf({ ...message, truncated: true }));
    counts = [0, 0, 0];
  } else {
    counts[2] = writeWhileFitting(writer, message.additionals, limit - optBytes);
  }
  if (message.edns !== undefined) writeEdns(writer, message.edns, message.rcode);
  [message.questions.length, counts[0] ?? 0, counts[1] ?? 0, (counts[2] ?? 0) + (message.edns === undefined ? 0 : 1)].forEach(
    (count, index) => {
      writer.patchUint16(4 + index * 2, count);
    },
  );
  return writer.finish();
}

function readQuestion(reader: Reader): Question {
  return { name: reader.name(), type: reader.uint16(), class: reader.uint16() };
}

function readRecord(reader: Reader): ResourceRecord {
  const { name, type, class: recordClass } = readQuestion(reader);
  const ttl = reader.uint32();
  return { name, type, class: recordClass, ttl, data: readRdata(reader, type, reader.uint16()) };
}

/** OPT keeps the size in its class, the rest in its TTL (RFC 6891 §6.1.3). */
function readEdns(opt: ResourceRecord): Edns {
  if (opt.name.length > 0) throw new DnsFormatError('OPT is not at the root');
  const options = new Reader(opt.data);
  while (options.left > 0) {
    options.uint16();
    options.take(options.uint16());
  }
  return { size: opt.class, version: (opt.ttl >>> 16) & 0xff, dnssecOk: (opt.ttl & dnssecOkBit) !== 0, options: opt.data };
}

function flagsOf(header: Header): number {
  let flags = (header.opcode << 11) | (header.rcode & 0x0f);
  for (const [name, bit] of Object.entries(flagBits)) if (header[name as keyof typeof flagBits]) flags |= bit;
  return flags;
}

/** The counts follow once they are known. */
function writeHeader(writer: Writer, header: Header): void {
  writer.uint16(header.id);
  writer.uint16(flagsOf(header));
  for (let count = 0; count < 4; count += 1) writer.uint16(0);
}

function writeQuestion(writer: Writer, question: Question): void {
  writer.name(question.name, true);
  writer.uint16(question.type);
  writer.uint16(question.class);
}

function writeRecord(writer: Writer, record: ResourceRecord): void {
  writeQuestion(writer, record);
  writer.uint32(record.ttl);
  const lengthAt = writer.length;
  writer.uint16(0);
  writeRdata(writer, record.type, record.data);
  writer.patchUint16(lengthAt, writer.length - lengthAt - 2);
}

function writeWhileFitting(writer: Writer, records: readonly ResourceRecord[], limit: number): number {
  let count = 0;
  for (const record of records) {
    const before = writer.length;
    writeRecord(writer, record);
    if (writer.length > limit) {
      writer.rewind(before);
      break;
    }
    count += 1;
  }
  return count;
}

function writeEdns(writer: Writer, edns: Edns, rcode: number): void {
  writer.name([], false);
  writer.uint16(recordTypes.OPT);
  writer.uint16(edns.size);
  writer.uint32((((rcode >> 4) << 24) | (edns.version << 16) | (edns.dnssecOk ? dnssecOkBit : 0)) >>> 0);
  writer.uint16(edns.options.length);
  writer.write(edns.options);
}

/** Stops at the first malformed record, so a wrong count costs no more than the message is long. */
function times<T>(count: number, read: () => T): T[] {
  const items: T[] = [];
  for (let index = 0; index < count; index += 1) items.push(read());
  return items;
}
