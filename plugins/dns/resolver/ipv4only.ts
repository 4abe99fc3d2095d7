/**
 * ipv4only.arpa (RFC 7050): its well-known IPv4 addresses let clients find the prefix of DNS64. Answered here, not by upstreams, as RFC 8880 §6 asks of
 * those that do DNS64. Pure.
 */
import type { Question, ResourceRecord } from '../message/codec.ts';
import { classes, rcodes, recordTypes } from '../message/iana.ts';
import { isWithin, type Name, nameKey, reverseName, root } from '../message/name.ts';
import { addressData, nameData, soaData } from '../message/rdata.ts';
import type { Resolution } from '../zone/authority.ts';

const zone: Name = ['ipv4only', 'arpa'];
const addresses = ['192.0.0.170', '192.0.0.171'];
const reverseNames = addresses.map((address) => nameKey(reverseName(address)));
const ttlSeconds = 86_400;
const soa = soaData({
  ...{ primary: zone, mailbox: root, serial: 1 },
  ...{ refreshSeconds: 86_400, retrySeconds: 3600, expireSeconds: 604_800, minimumSeconds: ttlSeconds },
});

/** Undefined for any other name. AAAA records are made from the A records by the caller, as for every name. */
export function answerIpv4Only(question: Question): Resolution | undefined {
  if (question.class !== classes.IN) return undefined;
  if (reverseNames.includes(nameKey(question.name))) return answer(question, { [recordTypes.PTR]: [nameData(zone)] });
  if (!isWithin(question.name, zone)) return undefined;
  if (question.name.length > zone.length) return { ...answer(question, {}), rcode: rcodes.NXDOMAIN };
  return answer(question, {
    [recordTypes.A]: addresses.map(addressData),
    [recordTypes.NS]: [nameData(zone)],
    [recordTypes.SOA]: [soa],
  });
}

function answer(question: Question, data: Readonly<Record<number, readonly Buffer[]>>): Resolution {
  const record = (name: Name, type: number, bytes: Buffer): ResourceRecord => ({
    name,
    type,
    class: classes.IN,
    ttl: ttlSeconds,
    data: bytes,
  });
  const answers = (data[question.type] ?? []).map((bytes) => record(question.name, question.type, bytes));
  return {
    rcode: rcodes.NOERROR,
    authoritative: false,
    answers,
    authorities: answers.length > 0 ? [] : [record(isWithin(question.name, zone) ? zone : question.name, recordTypes.SOA, soa)],
    authenticData: false,
    truncated: false,
  };
}
