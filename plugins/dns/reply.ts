/** What every query gets, whatever it asks: RFC 1035 §4, RFC 6891 §6, RFC 8906 (never go silent on a question). Pure. */

import { buildDns, type DnsMessage, type Header, parseHeader, type Question, tryParseDns } from './message/codec.ts';
import { classes, opcodes, rcodes, recordTypes } from './message/iana.ts';
import type { Resolution } from './zone/authority.ts';

/** A query with the one question that is worth an answer. */
export interface Query {
  readonly message: DnsMessage;
  readonly question: Question;
}

export type Read =
  | { readonly kind: 'query'; readonly query: Query }
  /** Answered without looking anything up. */
  | { readonly kind: 'reply'; readonly bytes: Buffer; readonly rcode: number }
  | { readonly kind: 'drop'; readonly reason: string };

/** Bytes of a reply over UDP without EDNS (RFC 1035 §4.2.1). */
const plainBytes = 512;
/** What we send at most with it (RFC 9715 §3.2). */
export const largestBytes = 1232;
/** No query needs as much. What is longer is answered without being read: that would take time others need. */
export const longestQuery = 4096;
/** Over TCP there are two bytes for the length (RFC 1035 §4.2.2). */
export const longestMessage = 0xffff;
/** IPv4 and UDP headers. */
const headersBytes = 28;
const firstMetaType = 128;

/** Reads a message from a VM. A reply to a reply would start a loop, and fewer than 12 bytes have no id: both are dropped. Never throws. */
export function readQuery(bytes: Buffer): Read {
  const header = parseHeader(bytes);
  if (header === undefined) return { kind: 'drop', reason: 'shorter than a header' };
  if (header.response) return { kind: 'drop', reason: 'a response' };
  const message = bytes.length > longestQuery ? undefined : tryParseDns(bytes);
  if (header.opcode !== opcodes.QUERY) return refuse(message ?? header, rcodes.NOTIMP);
  if (message === undefined) return refuse(header, rcodes.FORMERR);
  const [question, another] = message.questions;
  // Hundreds of questions would not fit the reply.
  if (another !== undefined) return refuse({ ...message, questions: [] }, rcodes.FORMERR);
  if (message.edns !== undefined && message.edns.version > 0) return refuse(message, rcodes.BADVERS);
  if (question === undefined) return refuse(message, rcodes.FORMERR);
  const refusal = refusalOf(question);
  return refusal === undefined ? { kind: 'query', query: { message, question } } : refuse(message, refusal);
}

/** How long a reply over UDP may be: as the asker and its network take it. */
export function udpLimit({ edns }: DnsMessage, mtuBytes: number): number {
  const asked = edns === undefined ? plainBytes : Math.min(largestBytes, Math.max(plainBytes, edns.size));
  return Math.max(plainBytes, Math.min(asked, mtuBytes - headersBytes));
}

/** The reply that tells a resolution, at most `limit` bytes long (at least 512). */
export function buildReply(query: Query, resolution: Resolution, limit: number): Buffer {
  const { message } = query;
  const wantsAuthentic = message.authenticData || message.edns?.dnssecOk === true;
  const reply = {
    ...replyTo(message, resolution.rcode),
    authoritative: resolution.authoritative,
    truncated: resolution.truncated,
    authenticData: resolution.authenticData && wantsAuthentic,
    answers: resolution.answers,
    authorities: resolution.authorities,
    additionals: resolution.additionals ?? [],
  };
  return buildDns(reply, limit);
}

/** The reply that has the asker come again by TCP. */
export function buildTruncated({ message }: Query): Buffer {
  return buildDns({ ...replyTo(message, rcodes.NOERROR), truncated: true }, plainBytes);
}

/** Questions with no resolution at all: a wrong rcode here is still an answer. */
function refuse(message: Header | DnsMessage, rcode: number): Read {
  return { kind: 'reply', bytes: buildDns(replyTo(message, rcode), plainBytes), rcode };
}

/** Zone transfers and meta types are not served; OPT is no type to ask for. */
function refusalOf(question: Question): number | undefined {
  if (question.class !== classes.IN) return rcodes.REFUSED;
  if (question.type === recordTypes.OPT) return rcodes.FORMERR;
  if (question.type === recordTypes.AXFR || question.type === recordTypes.IXFR) return rcodes.REFUSED;
  return question.type >= firstMetaType && question.type < recordTypes.ANY ? rcodes.NOTIMP : undefined;
}

/** Copies id, opcode, RD and CD (RFC 4035 §3.1.6); OPT only in reply to OPT (RFC 6891 §6.1.1), with our own version and no options. */
function replyTo(message: Header | DnsMessage, rcode: number): DnsMessage {
  const whole = 'questions' in message ? message : undefined;
  return {
    id: message.id,
    response: true,
    opcode: message.opcode,
    authoritative: false,
    truncated: false,
    recursionDesired: message.recursionDesired,
    recursionAvailable: true,
    authenticData: false,
    checkingDisabled: message.checkingDisabled,
    rcode,
    questions: message.opcode === opcodes.QUERY ? (whole?.questions ?? []) : [],
    answers: [],
    authorities: [],
    additionals: [],
    ...(whole?.edns === undefined
      ? {}
      : { edns: { size: largestBytes, version: 0, dnssecOk: whole.edns.dnssecOk, options: Buffer.alloc(0) } }),
  };
}
