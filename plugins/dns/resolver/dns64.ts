/**
 * DNS64 (RFC 6147): IPv6 addresses, in a prefix of length 96 (RFC 6052 §2.2), for names that have IPv4 addresses only. Pure; where names come from is
 * the caller's business.
 */
import { ipBytes, parsePrefix, type ResolverSpec } from '@weft/kernel/contract/net';
import type { Question, ResourceRecord } from '../message/codec.ts';
import { classes, rcodes, recordTypes } from '../message/iana.ts';
import { type Name, nameKey, reverseName } from '../message/name.ts';
import { nameData } from '../message/rdata.ts';
import type { Resolution } from '../zone/authority.ts';
import type { QueryFlags } from './query.ts';

/** The first twelve bytes of the addresses made. */
export type Dns64Prefix = Buffer;

const prefixBytes = 12;
const wellKnown = Buffer.from('0064ff9b0000000000000000', 'hex');
/** ::ffff:0:0/96 */
const mapped = Buffer.from('00000000000000000000ffff', 'hex');
/** How long made addresses live when the missing ones came without SOA (RFC 6147 §5.1.7). */
const noSoaSeconds = 600;

/** Undefined when the text is no IPv6 prefix of length 96. */
export function parseDns64(text: string | undefined): Dns64Prefix | undefined {
  const prefix = text === undefined ? undefined : parsePrefix(text)?.prefix;
  if (prefix?.family !== 6 || prefix.length !== 8 * prefixBytes) return undefined;
  return ipBytes({ family: 6, value: prefix.first }).subarray(0, prefixBytes);
}

const read = new WeakMap<ResolverSpec, Dns64Prefix | undefined>();

/** The prefix of a network, read once for each version of it; undefined without one. */
export function dns64Of(spec: ResolverSpec | undefined): Dns64Prefix | undefined {
  if (spec?.dns64 === undefined) return undefined;
  if (!read.has(spec)) read.set(spec, parseDns64(spec.dns64));
  return read.get(spec);
}

/** Whether addresses may be made for a question: a client that validates by itself gets what there is (RFC 6147 §5.5). */
export function wantsDns64(question: Question, flags: QueryFlags): boolean {
  return question.type === recordTypes.AAAA && question.class === classes.IN && !(flags.dnssecOk && flags.checkingDisabled);
}

/**
 * AAAA records for the A records among `answers`; aliases stay, all else goes. At most `mostSeconds` to live. Addresses that must not be told in the
 * well-known prefix (RFC 6052 §3.1) are left out; without any other the result is empty.
 */
export function synthesise(
  answers: readonly ResourceRecord[],
  prefix: Dns64Prefix,
  mostSeconds = Number.POSITIVE_INFINITY,
): readonly ResourceRecord[] {
  const kept = answers.filter(({ type, data }) => isAlias(type) || (type === recordTypes.A && data.length === 4 && fits(prefix, data)));
  if (!kept.some(({ type }) => type === recordTypes.A)) return [];
  return kept.map((record) =>
    isAlias(record.type)
      ? record
      : { ...record, type: recordTypes.AAAA, ttl: Math.min(record.ttl, mostSeconds), data: Buffer.concat([prefix, record.data]) },
  );
}

/** Without IPv4-mapped addresses, which lead nowhere (RFC 6147 §5.1.4). */
export function withoutExcluded(resolution: Resolution): Resolution {
  const excluded = ({ type, data }: ResourceRecord): boolean => type === recordTypes.AAAA && data.subarray(0, prefixBytes).equals(mapped);
  if (!resolution.answers.some(excluded)) return resolution;
  return { ...resolution, answers: resolution.answers.filter((record) => !excluded(record)) };
}

/** Whether the addresses asked for are missing: there are none, or the question failed; not when the name does not exist (RFC 6147 §5.1.2). */
export function lacksAddresses({ rcode, answers }: Resolution): boolean {
  return rcode !== rcodes.NXDOMAIN && !answers.some(({ type }) => type === recordTypes.AAAA);
}

/** What to tell, given that the AAAA records are missing. */
export function resolutionFrom(missing: Resolution, ipv4: Resolution, prefix: Dns64Prefix): Resolution {
  const soa = missing.authorities.find(({ type }) => type === recordTypes.SOA);
  const answers = synthesise(ipv4.answers, prefix, soa?.ttl ?? noSoaSeconds);
  if (ipv4.rcode !== rcodes.NOERROR || answers.length === 0) return missing;
  // Not what any server signed, nor what one is authoritative for.
  return { ...ipv4, answers, authorities: [], authoritative: false, authenticData: false };
}

/** The name in in-addr.arpa that a PTR question for an address of the prefix stands for (RFC 6147 §5.3.1); undefined for any other question. */
export function reverseTarget(question: Question, prefix: Dns64Prefix): Name | undefined {
  if (question.type !== recordTypes.PTR || question.class !== classes.IN || question.name.length !== 34) return undefined;
  if (nameKey(question.name.slice(32)) !== 'ip6.arpa') return undefined;
  const nibbles = question.name.slice(0, 32).reverse().join('');
  if (!/^[0-9a-fA-F]{32}$/.test(nibbles)) return undefined;
  const address = Buffer.from(nibbles, 'hex');
  if (!address.subarray(0, prefixBytes).equals(prefix)) return undefined;
  return reverseName(address.subarray(prefixBytes).join('.'));
}

/** The answer to such a PTR question: an alias, and what `target` came to. */
export function aliasedTo(question: Question, target: Name, resolution: Resolution): Resolution {
  const ttl = Math.min(noSoaSeconds, ...resolution.answers.map((record) => record.ttl));
  const alias = { name: question.name, type: recordTypes.CNAME, class: classes.IN, ttl, data: nameData(target) };
  return { ...resolution, authoritative: false, authenticData: false, answers: [alias, ...resolution.answers] };
}

const isAlias = (type: number): boolean => type === recordTypes.CNAME || type === recordTypes.DNAME;

/** The well-known prefix is for global addresses only. Differs: those of documentation (RFC 5737) are taken as global, so that laboratories work. */
function fits(prefix: Dns64Prefix, address: Buffer): boolean {
  if (!prefix.equals(wellKnown)) return true;
  const [a = 0, b = 0, c = 0, d = 0] = address;
  if (a === 192 && b === 0 && c === 0) return d === 170 || d === 171;
  const shared = a === 100 && b >= 64 && b < 128;
  const ofLink = a === 169 && b === 254;
  const ofSite = a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168);
  const ofBenchmarks = a === 198 && (b === 18 || b === 19);
  return !(a === 0 || a === 127 || a >= 224 || shared || ofLink || ofSite || ofBenchmarks);
}
