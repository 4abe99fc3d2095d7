/** What of a reply belongs to its question: upstreams are not believed about anything else (RFC 2181 §5.4.1, RFC 5452 §6). Pure. */
import type { DnsMessage, Question, ResourceRecord } from '../message/codec.ts';
import { recordTypes } from '../message/iana.ts';
import { type Name, nameKey, tailKeys } from '../message/name.ts';
import { targetName } from '../message/rdata.ts';
import type { Resolution } from '../zone/authority.ts';

const types = { ...recordTypes, RRSIG: 46, NSEC: 47, NSEC3: 50 };
/** Aliases that are followed in one reply. */
const longestChain = 16;
const proofs: readonly number[] = [types.NSEC, types.NSEC3, types.RRSIG];

/**
 * The answers along the chain of aliases that begins with the question, in the order of the reply, each set with one TTL, the least (RFC 2181 §5.2); of
 * the authorities the SOA above the end of the chain, and what proves things to those who ask for DNSSEC. No filter of addresses: private ones pass.
 */
export function toResolution(reply: DnsMessage, question: Question, dnssecOk: boolean): Resolution {
  const answers = reply.answers.filter((record) => record.class === question.class);
  const keyOf = nameKeys();
  const chain = chainOf(question, answers, keyOf);
  const end = chain.at(-1) ?? question.name;
  const keys = new Set(chain.map(nameKey));
  const above = new Set(chain.flatMap((name) => tailKeys(name)));
  const aboveEnd = new Set(tailKeys(end));
  const belongs = (record: ResourceRecord): boolean => {
    if (record.type === types.RRSIG && question.type !== types.RRSIG && question.type !== types.ANY && !dnssecOk) return false;
    if (record.type === types.DNAME || (record.type === types.RRSIG && dnssecOk)) return above.has(keyOf(record.name));
    return keys.has(keyOf(record.name)) && (record.type === types.CNAME || isAsked(record, question));
  };
  const proves = (record: ResourceRecord): boolean =>
    record.class === question.class &&
    (record.type === types.SOA ? aboveEnd.has(keyOf(record.name)) : dnssecOk && proofs.includes(record.type));
  return {
    rcode: reply.rcode,
    authoritative: false,
    answers: evenTtls(answers.filter(belongs), keyOf),
    authorities: evenTtls(reply.authorities.filter(proves), keyOf),
    authenticData: reply.authenticData,
    truncated: false,
  };
}

/** Type ANY asks for all of them (RFC 1035 §3.2.3). */
function isAsked(record: ResourceRecord, question: Question): boolean {
  return record.type === question.type || question.type === types.ANY;
}

/** The name asked and those that it stands for, whatever the order of the records. */
function chainOf(question: Question, answers: readonly ResourceRecord[], keyOf: (name: Name) => string): readonly Name[] {
  const targets = new Map(answers.filter(({ type }) => type === types.CNAME).map((record) => [keyOf(record.name), record.data]));
  const chain: Name[] = [question.name];
  for (let at = nameKey(question.name); chain.length <= longestChain; ) {
    const data = question.type === types.CNAME ? undefined : targets.get(at);
    const target = data && targetName(types.CNAME, data);
    if (target === undefined) break;
    targets.delete(at);
    chain.push(target);
    at = nameKey(target);
  }
  return chain;
}

/** `nameKey`, once for each name that records share: a reply may hold four thousand of one with 127 labels. */
function nameKeys(): (name: Name) => string {
  const known = new Map<Name, string>();
  return (name) => {
    const key = known.get(name) ?? nameKey(name);
    known.set(name, key);
    return key;
  };
}

function evenTtls(records: readonly ResourceRecord[], nameKeyOf: (name: Name) => string): readonly ResourceRecord[] {
  const least = new Map<string, number>();
  const keyOf = (record: ResourceRecord): string => `${record.type} ${nameKeyOf(record.name)}`;
  for (const record of records) least.set(keyOf(record), Math.min(boundedTtl(record.ttl), least.get(keyOf(record)) ?? 0x7fff_ffff));
  return records.map((record) => ({ ...record, ttl: least.get(keyOf(record)) ?? 0 }));
}

/** A TTL with its highest bit set counts as zero (RFC 2181 §8). */
function boundedTtl(ttl: number): number {
  return ttl > 0x7fff_ffff ? 0 : ttl;
}
