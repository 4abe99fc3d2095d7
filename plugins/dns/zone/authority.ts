/** Answers from the names that the asker may see; pure. NXDOMAIN says that a name and all below it do not exist (RFC 8020), NODATA that this type does not. */
import type { Question, ResourceRecord } from '../message/codec.ts';
import { classes, rcodes, recordTypes } from '../message/iana.ts';
import { type Name, nameKey, root } from '../message/name.ts';
import { nameData, soaData, targetName } from '../message/rdata.ts';
import type { View } from './directory.ts';
import { type Found, find } from './lookup.ts';
import type { RecordSet } from './record-sets.ts';

export interface AuthoritySettings {
  readonly negativeTtlSeconds: number;
  /** Grows with every change of the objects. */
  readonly serial: number;
}

/** What a question came to, from whatever source. */
export interface Resolution {
  readonly rcode: number;
  readonly authoritative: boolean;
  readonly answers: readonly ResourceRecord[];
  readonly authorities: readonly ResourceRecord[];
  /** Left out where there is no room. */
  readonly additionals?: readonly ResourceRecord[];
  readonly authenticData: boolean;
  /** The source had more to say than it could send. */
  readonly truncated: boolean;
}

/** `outside`: the answers are aliases that lead to this name, which is not ours. */
export interface LocalResolution extends Resolution {
  readonly outside?: Name;
}

/** Aliases followed for one question; more are an error, as is a loop of them (RFC 1034 §5.2.2). */
const mostAliases = 16;
const mostAdditionals = 32;

/** Undefined: not ours to answer, ask the upstreams. */
export function answerLocally(question: Question, view: View, settings: AuthoritySettings): LocalResolution | undefined {
  const aliases: ResourceRecord[] = [];
  for (let name = question.name; aliases.length <= mostAliases; ) {
    const found = find(name, view);
    if (found === undefined) return aliases.length === 0 ? undefined : { ...positive(aliases), outside: name };
    const alias = found.node?.find(({ type }) => type === recordTypes.CNAME);
    const target = alias?.data[0] && targetName(recordTypes.CNAME, alias.data[0]);
    if (alias === undefined || target === undefined || question.type === recordTypes.CNAME || question.type === recordTypes.ANY) {
      return finish(question.type, name, found, aliases, view, settings);
    }
    aliases.push(...recordsOf(name, alias));
    name = target;
  }
  return serverFailure;
}

function finish(
  type: number,
  name: Name,
  { origin, node, bare }: Found,
  aliases: readonly ResourceRecord[],
  view: View,
  settings: AuthoritySettings,
): Resolution {
  const soa: RecordSet = { type: recordTypes.SOA, ttl: settings.negativeTtlSeconds, data: [soaOf(origin, settings)] };
  const atApex = bare === undefined && name.length === origin.length && nameKey(name) === nameKey(origin);
  const apex: readonly RecordSet[] = [
    { ...soa, ttl: view.ttlSeconds },
    { type: recordTypes.NS, ttl: view.ttlSeconds, data: [nameData(origin)] },
  ];
  const sets = atApex ? [...apex, ...(node ?? [])] : (node ?? []);
  const chosen = sets.filter((set) => type === recordTypes.ANY || type === set.type);
  const rcode = node === undefined && !atApex ? rcodes.NXDOMAIN : rcodes.NOERROR;
  if (chosen.length === 0) return { ...positive(aliases), rcode, authorities: recordsOf(origin, soa) };
  const additionals = chosen.flatMap((set) => addressesOf(set, view)).slice(0, mostAdditionals);
  return { ...positive([...aliases, ...chosen.flatMap((set) => recordsOf(name, set))]), additionals };
}

function positive(answers: readonly ResourceRecord[]): Resolution {
  return { rcode: rcodes.NOERROR, authoritative: true, answers, authorities: [], authenticData: false, truncated: false };
}

/** A reply without any records. */
export function emptyResolution(rcode: number): Resolution {
  return { rcode, authoritative: false, answers: [], authorities: [], authenticData: false, truncated: false };
}

const serverFailure = emptyResolution(rcodes.SERVFAIL);

function recordsOf(name: Name, { type, ttl, data }: RecordSet): readonly ResourceRecord[] {
  return data.map((each) => ({ name, type, class: classes.IN, ttl, data: each }));
}

/** Addresses of the local hosts that MX and SRV records name (RFC 1035 §3.3.9, RFC 2782). */
function addressesOf(set: RecordSet, view: View): readonly ResourceRecord[] {
  if (set.type !== recordTypes.MX && set.type !== recordTypes.SRV) return [];
  return set.data.slice(0, mostAdditionals).flatMap((data) => {
    const target = targetName(set.type, data);
    const node = target === undefined ? undefined : find(target, view)?.node;
    const sets = node?.filter(({ type }) => type === recordTypes.A || type === recordTypes.AAAA) ?? [];
    return sets.flatMap((each) => recordsOf(target ?? root, each));
  });
}

function soaOf(origin: Name, settings: AuthoritySettings): Buffer {
  return soaData({
    primary: origin,
    mailbox: root,
    serial: settings.serial >>> 0,
    refreshSeconds: 3600,
    retrySeconds: 600,
    expireSeconds: 86_400,
    minimumSeconds: settings.negativeTtlSeconds,
  });
}
