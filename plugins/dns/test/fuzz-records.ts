/** Fuzz target: names and data of DnsRecords as users may write them. What is admitted can be told, and is told as it was written. */
import assert from 'node:assert/strict';
import { type DnsRecordSpec, dnsRecordTypes } from '../kinds.ts';
import { buildDns, parseDns, type ResourceRecord } from '../message/codec.ts';
import { longestName, nameKey, wireLength } from '../message/name.ts';
import { placeRecord } from '../zone/record.ts';
import { network } from './world.ts';

const written = [
  'www|CNAME|web1',
  '@|MX|10 mail.example.org.',
  '_sip._tcp|SRV|1 2 5060 sip.example.org.',
  '*.apps|A|10.1.0.50',
  'x.red.example.|AAAA|2001:db8:1::50',
  '10.1.0.11|PTR|@',
  '11.0.1.10.in-addr.arpa.|PTR|web1.red.example.',
  '2001:db8:1::77|PTR|printer',
  'big|TXT|v=spf1 -all',
];

export const seeds: readonly Buffer[] = written.map((text) => Buffer.from(text));

const red = network('a', 'red', 1, 1, { domain: 'red.example' });

export function run(bytes: Buffer): void {
  const [name = '', type = '', ...rest] = bytes.toString('utf8').split('|');
  const known = dnsRecordTypes.find((each) => each === type) ?? dnsRecordTypes[bytes.length % dnsRecordTypes.length] ?? 'A';
  const spec: DnsRecordSpec = { network: 'red', name, type: known, data: rest.length === 0 ? [''] : rest };
  const place = placeRecord({ spec }, red);
  if (!('owner' in place)) {
    assert.ok(place.length > 0);
    for (const { pointer, message, fix } of place) assert.ok(pointer.startsWith('/spec/') && message !== '' && fix !== '');
    return;
  }
  assert.ok(wireLength(place.owner) <= longestName);
  const answers = place.data.map((data) => ({ name: place.owner, type: place.type, class: 1, ttl: 60, data }));
  const heard = parseDns(buildDns({ ...header, questions: [], answers, authorities: [], additionals: [] }));
  assert.deepEqual(heard.answers.map(comparable), answers.map(comparable));
}

/** Compression keeps the case in which a name stood first. */
function comparable({ name, type, data }: ResourceRecord): string {
  return `${nameKey(name)} ${type} ${data.toString('latin1').replace(/[A-Z]/g, (letter) => letter.toLowerCase())}`;
}

const flags = { response: true, authoritative: true, truncated: false, recursionDesired: false, recursionAvailable: true };
const header = { id: 1, opcode: 0, ...flags, authenticData: false, checkingDisabled: false, rcode: 0 };
