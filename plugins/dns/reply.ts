/** What every query gets, whatever it asks: RFC 1035 §4, RFC 6891 §6, RFC 8906 (never go silent on a question). Pure. */

import { buildDns, type DnsMessage, type Header, parseDns, parseHeader, type Question } from './message/codec.ts';
import { classes, opcodes, rcodes, recordTypes } from './message/iana.ts';
import { DnsFormatError } from './message/wire.ts';
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

/** Bytes of a reply without EDNS (RFC 1035 §4.2.1), and what we send at most with it (RFC 9715 §3.2). */
const plainBytes = 512;
const largestBytes = 1232;
/** IPv4 and UDP headers. */
const headersBytes = 28;
const firstMetaType = 128;

/** Reads a UDP payload. A reply to a reply would start a loop, and fewer than 12 bytes have no id: both are dropped. Never throws. */
export function readQuery(bytes: Buffer): Read {
  const header = parseHeader(bytes);
  if (header === undefined) return { kind: 'drop', reason: 'shorter than a header' };
  if (header.response) return { kind: 'drop', reason: 'a response' };
  const message = tryParse(bytes);
  if (header.opcode !== opcodes.QUERY) return refuse(message ?? header, rcodes.NOTIMP);
  if (message === undefined) return refuse(header, rcodes.FORMERR);
  if (message.edns !== undefined && message.edns.version > 0) return refuse(message, rcodes.BADVERS);
  const [question] = message.questions;
  if (question === undefined || message.questions.length !== 1) return refuse({ ...message, questions: [] }, rcodes.FORMERR);
  const refusal = refusalOf(question);
  return refusal === undefined ? { kind: 'query', query: { message, question } } : refuse(message, refusal);
}

/** The reply that tells a resolution, no longer than the asker and its network (`mtuBytes`) take. */
export function buildReply(query: Query, resolution: Resolution, mtuBytes: number): Buffer {
  const { message } = query;
  const asked = message.edns === undefined ? plainBytes : Math.min(largestBytes, Math.max(plainBytes, message.edns.size));
  const wantsAuthentic = message.authenticData || message.edns?.dnssecOk === true;
  const reply = {
    ...replyTo(message, resolution.rcode),
    authoritative: resolution.authoritative,
    truncated: resolution.truncated,
    authenticData: resolution.authenticData && wantsAuthentic,
    answers: resolution.answers,
    authorities: resolution.authorities,
  };
  return buildDns(reply, Math.max(plainBytes, Math.min(asked, mtuBytes - headersBytes)));
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

function tryParse(bytes: Buffer): DnsMessage | undefined {
  try {
    return parseDns(bytes);
  } catch (error) {
    if (error instanceof DnsFormatError) return undefined;
    throw error;
  }
}
