/** Fuzz target: whatever an upstream may send, over UDP and TCP, down to the cache and the addresses made of it. */
import assert from 'node:assert/strict';
import { buildDns, type DnsMessage, parseDns } from '../../message/codec.ts';
import { FrameReader } from '../../message/frames.ts';
import { nameKey } from '../../message/name.ts';
import { a, aaaa, cname, question, record, soa } from '../../test/pretended-upstreams.ts';
import { Cache } from '../cache.ts';
import { parseDns64, resolutionFrom, withoutExcluded } from '../dns64.ts';
import { acceptReply, makeQuery } from '../query.ts';
import { toResolution } from '../relevant.ts';

const asked = question('www.example.com');
const sent = makeQuery(asked, { dnssecOk: true, checkingDisabled: false }, { edns: true, mixCase: false });
const query = parseDns(sent.bytes);
const reply = (more: Partial<DnsMessage> = {}): Buffer => buildDns({ ...query, response: true, ...more });
const alias = cname('www.example.com', 60, 'web.example.net');

export const seeds: readonly Buffer[] = [
  reply(),
  reply({ answers: [a('www.example.com', 60), a('www.example.com', 30, '10.0.0.1')] }),
  reply({ answers: [alias, a('web.example.net', 60), aaaa('web.example.net', 60)], authorities: [soa('example.net', 60, 60)] }),
  reply({ answers: [alias, cname('web.example.net', 60, 'www.example.com')] }),
  reply({
    answers: [
      record('example.com', 39, 60, Buffer.from('076578616d706c65036e657400', 'hex')),
      record('www.example.com', 46, 60, Buffer.alloc(30)),
    ],
  }),
  reply({ rcode: 3, authorities: [soa('example.com', 600, 60)], additionals: [a('ns.example.com', 60)] }),
  reply({ rcode: 2, questions: [] }),
  reply({ truncated: true }),
  sent.bytes,
];

const limits = { entries: 50, bytes: 20_000 };
const cache = new Cache({ ...limits, minSeconds: 0, maxSeconds: 100, maxNegativeSeconds: 30, staleSeconds: 100, failureSeconds: 5 });
const prefix = parseDns64('2001:db8:64::/96') ?? Buffer.alloc(12);
let nowMs = 0;

export function run(data: Buffer): void {
  take(data);
  const reader = new FrameReader(0xffff);
  for (const part of [data.subarray(0, 3), data.subarray(3)]) {
    reader.push(part);
    for (let bytes = reader.next(); bytes !== undefined; bytes = reader.next()) take(bytes);
  }
}

/** The id is right, so that what follows it matters. */
function take(data: Buffer): void {
  const bytes = Buffer.from(data);
  if (bytes.length >= 2) bytes.writeUInt16BE(sent.id, 0);
  const before = Buffer.from(bytes);
  const accepted = acceptReply(bytes, sent);
  assert.ok(bytes.equals(before), 'the bytes are left as they are');
  if (accepted === undefined) return;
  const resolution = toResolution(accepted.message, asked, (data.length & 1) === 1);
  for (const { class: recordClass, ttl } of resolution.answers) assert.ok(recordClass === asked.class && ttl <= 0x7fff_ffff);
  if (resolution.answers[0]?.type === asked.type) {
    const owners = new Set(resolution.answers.filter(({ type }) => type === 5).map(({ name }) => nameKey(name)));
    const first = nameKey(resolution.answers[0].name);
    assert.ok(first === nameKey(asked.name) || owners.size > 0, 'an answer for another name needs an alias');
  }
  keep(resolution, data.readUInt8(data.length - 1));
  assert.deepEqual(parseDns(buildDns({ ...accepted.message, ...resolution, questions: [asked] })).questions, [asked]);
  resolutionFrom(withoutExcluded(resolution), resolution, prefix);
}

function keep(resolution: ReturnType<typeof toResolution>, key: number): void {
  nowMs += 100;
  cache.put(String(key), String(key % 5), resolution, nowMs);
  if (key % 16 === 0) cache.fail(String(key), String(key % 5), nowMs);
  assert.ok(cache.size <= limits.entries && cache.bytes <= limits.bytes && cache.bytes >= 0);
  const entry = cache.find(String(key), nowMs);
  for (const { ttl } of entry?.fresh(nowMs)?.answers ?? []) assert.ok(ttl <= 100);
  for (const { ttl } of cache.stale(entry, nowMs + 50_000)?.answers ?? []) assert.ok(ttl === 30);
}
