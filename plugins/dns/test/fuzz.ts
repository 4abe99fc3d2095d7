/** Fuzz target: the DNS codec, the checks of queries and replies, and local answers, on whatever a VM or an upstream may send. */
import assert from 'node:assert/strict';
import { buildDns, type DnsMessage, parseDns, tryParseDns } from '../message/codec.ts';
import { parseName, reverseName } from '../message/name.ts';
import { buildReply, readQuery, udpLimit } from '../reply.ts';
import { answerLocally } from '../zone/authority.ts';
import { viewOf } from '../zone/directory.ts';
import { placeOf } from '../zone/record.ts';
import { makeZone } from '../zone/zone.ts';
import { record as added, network, port } from './world.ts';

const named = (text: string) => parseName(text) ?? [];
const bits = { opcode: 0, authoritative: false, truncated: false, recursionDesired: true, recursionAvailable: true, authenticData: false };
const edns = { size: 1232, version: 0, dnssecOk: true, options: Buffer.from('000a00080102030405060708', 'hex') };

function message(text: string, type: number, more: Partial<DnsMessage> = {}): DnsMessage {
  const questions = [{ name: named(text), type, class: 1 }];
  return {
    id: 7,
    response: false,
    ...bits,
    checkingDisabled: false,
    rcode: 0,
    questions,
    answers: [],
    authorities: [],
    additionals: [],
    ...more,
  };
}

const target = Buffer.from('0377777707657861 6d706c6503636f6d00'.replace(' ', ''), 'hex');
const record = (type: number, data: Buffer) => ({ name: named('www.example.com'), type, class: 1, ttl: 60, data });
const answers = [
  record(1, Buffer.from([10, 1, 0, 11])),
  record(5, target),
  record(12, target),
  record(15, Buffer.concat([Buffer.from([0, 5]), target])),
  record(33, Buffer.concat([Buffer.alloc(6), target])),
  record(16, Buffer.from('0568656c6c6f', 'hex')),
];
const authorities = [record(6, Buffer.concat([target, target, Buffer.alloc(20)]))];
const asked: readonly [string, number][] = [
  ['web1', 1],
  ['web1.red.example', 255],
  ['nothing.red.example', 28],
  [reverseName('10.1.0.11').join('.'), 12],
  [reverseName('2001:db8:1::11').join('.'), 12],
  ['www.example.com', 1],
  ['www.red.example', 1],
  ['x.apps.red.example', 15],
  ['a.red.example', 1],
];

export const seeds: readonly Buffer[] = [
  ...asked.flatMap(([text, type]) => [buildDns(message(text, type)), buildDns(message(text, type, { edns }))]),
  buildDns(message('www.example.com', 1, { response: true, answers, authorities, additionals: answers, edns })),
  buildDns(message('www.example.com', 1, { response: true, answers })),
];

const red = network('a', 'red', 1, 1, { domain: 'red.example' });
const hosts = Array.from({ length: 60 }, (_, index) => port('a', 'red', 'web1', index + 1, `10.1.0.${index + 11}`));
const records = [
  added('a', 'red', ['www', 'CNAME', 'web1']),
  added('a', 'red', ['*.apps', 'MX', '10 web1', '20 mail.example.org.']),
  added('a', 'red', ['a', 'CNAME', 'b']),
  added('a', 'red', ['b', 'CNAME', 'a']),
];
const places = records.flatMap((each) => [placeOf(each, red)].filter((place) => 'owner' in place));
const zones = [makeZone(red, hosts, places, 60)].filter((zone) => zone !== undefined);
const view = viewOf(zones, { network: 'VirtualNetwork/a/red', resolver: undefined, mtuBytes: 1450, ttlSeconds: 60 });

export function run(data: Buffer): void {
  const parsed = tryParseDns(data);
  if (parsed !== undefined) assert.deepEqual(parseDns(buildDns(parsed)), parsed);
  const read = readQuery(data);
  if (read.kind === 'drop') return;
  if (read.kind === 'reply') {
    assert.ok(read.bytes.length <= 512, `refusal of ${read.bytes.length} bytes`);
    checkReply(read.bytes, data);
    return;
  }
  const { query } = read;
  const local = answerLocally(query.question, view, { negativeTtlSeconds: 10, serial: 1 });
  if (local === undefined) return;
  const reply = buildReply(query, local, udpLimit(query.message, view.mtuBytes));
  const limit = Math.min(1232, Math.max(512, query.message.edns?.size ?? 0));
  assert.ok(reply.length <= limit, `reply of ${reply.length} bytes, allowed are ${limit}`);
  checkReply(reply, data);
}

function checkReply(reply: Buffer, query: Buffer): void {
  const heard = parseDns(reply);
  assert.ok(heard.response && heard.id === query.readUInt16BE(0));
}
