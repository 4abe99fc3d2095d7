/** A query to an upstream, and whether a reply is its reply (RFC 5452 §9.1, with 0x20: draft-vixie-dnsext-dns0x20). Pure but for randomness. */
import { randomBytes, randomInt } from 'node:crypto';
import { buildDns, type DnsMessage, parseHeader, type Question, tryParseDns } from '../message/codec.ts';
import { opcodes, rcodes } from '../message/iana.ts';
import { longestName, type Name, nameKey } from '../message/name.ts';

/** What of the asker's query an upstream must know. */
export interface QueryFlags {
  readonly dnssecOk: boolean;
  readonly checkingDisabled: boolean;
}

export interface SentQuery {
  readonly id: number;
  readonly bytes: Buffer;
  /** The name in lower case: what the reply is read as, whatever case was sent. */
  readonly question: Question;
}

export interface Accepted {
  readonly message: DnsMessage;
  /** The name came back letter by letter. */
  readonly keptCase: boolean;
}

/** What we take from upstreams: no fragments on any common path (RFC 9715 §3.2). */
const ednsSize = 1232;
const headerBytes = 12;
/** Errors that some servers tell without the question. */
const bareErrors: readonly number[] = [rcodes.FORMERR, rcodes.SERVFAIL, rcodes.NOTIMP, rcodes.REFUSED];

/** `mixCase`: letters of the name get a random case, which a forger must guess as well. */
export function makeQuery(question: Question, flags: QueryFlags, how: { readonly edns: boolean; readonly mixCase: boolean }): SentQuery {
  const id = randomInt(0x10000);
  const name = question.name.map((label) => label.replace(/[A-Z]/g, (letter) => letter.toLowerCase()));
  const bytes = buildDns({
    id,
    response: false,
    opcode: opcodes.QUERY,
    authoritative: false,
    truncated: false,
    recursionDesired: true,
    recursionAvailable: false,
    authenticData: flags.dnssecOk,
    checkingDisabled: flags.checkingDisabled,
    rcode: rcodes.NOERROR,
    questions: [{ ...question, name: how.mixCase ? randomCase(name) : name }],
    answers: [],
    authorities: [],
    additionals: [],
    ...(how.edns ? { edns: { size: ednsSize, version: 0, dnssecOk: flags.dnssecOk, options: Buffer.alloc(0) } } : {}),
  });
  return { id, bytes, question: { ...question, name } };
}

/**
 * Undefined: somebody else's, forged, or not to be read; waiting goes on. Of a truncated reply only the header counts: some servers cut it in the
 * middle of a record. Never throws on bytes; keeps none of them.
 */
export function acceptReply(bytes: Buffer, sent: SentQuery): Accepted | undefined {
  const header = parseHeader(bytes);
  if (header === undefined || header.id !== sent.id || !header.response || header.opcode !== opcodes.QUERY) return undefined;
  const questions = bytes.readUInt16BE(4);
  if (questions === 0) return bareErrors.includes(header.rcode) ? { message: { ...header, ...nothing }, keptCase: true } : undefined;
  const echoed = questions === 1 ? readQuestion(bytes, sent) : undefined;
  if (echoed === undefined) return undefined;
  if (header.truncated) return { message: { ...header, ...nothing, questions: [sent.question] }, keptCase: echoed.keptCase };
  const message = tryParseDns(echoed.restored);
  return message === undefined ? undefined : { message, keptCase: echoed.keptCase };
}

const nothing = { questions: [], answers: [], authorities: [], additionals: [] };

/**
 * `restored`: the reply with the name of its question in lower case. Servers compress names of records by pointing there, so the random case goes from
 * these, too.
 */
function readQuestion(bytes: Buffer, { bytes: query, question }: SentQuery): { restored: Buffer; keptCase: boolean } | undefined {
  const end = headerBytes + question.name.reduce((sum, label) => sum + label.length + 1, 1) + 4;
  if (bytes.length < end) return undefined;
  const keptCase = bytes.compare(query, headerBytes, end, headerBytes, end) === 0;
  const restored = Buffer.from(bytes);
  let at = headerBytes;
  for (const label of question.name) {
    if (bytes[at] !== label.length) return undefined;
    const echoed = bytes.toString('latin1', at + 1, at + 1 + label.length);
    if (!keptCase && nameKey([echoed]) !== nameKey([label])) return undefined;
    restored.write(label, at + 1, 'latin1');
    at += 1 + label.length;
  }
  return keptCase || bytes.compare(query, at, end, at, end) === 0 ? { restored, keptCase } : undefined;
}

/** One random bit for each letter; drawn at once, for a name may have 127 labels. */
function randomCase(name: Name): Name {
  const bits = randomBytes(longestName);
  let at = 0;
  const mixed = (letter: string): string => {
    at += 1;
    return ((bits[at] ?? 0) & 1) === 1 ? letter.toUpperCase() : letter;
  };
  return name.map((label) => label.replace(/[a-z]/g, mixed));
}
