/** Fuzz target: the DNS codec, the checks of queries and replies, and local answers, on whatever a VM or an upstream may send. */
import assert from 'node:assert/strict';
import { parsePrefix } from '@weft/kernel/contract/net';
import { buildDns, type DnsMessage, parseDns } from '../message/codec.ts';
import { parseName, reverseName } from '../message/name.ts';
import { DnsFormatError } from '../message/wire.ts';
import { buildReply, readQuery } from '../reply.ts';
import { answerLocally } from '../zone/authority.ts';
import type { View } from '../zone/directory.ts';

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
];

export const seeds: readonly Buffer[] = [
  ...asked.flatMap(([text, type]) => [buildDns(message(text, type)), buildDns(message(text, type, { edns }))]),
  buildDns(message('www.example.com', 1, { response: true, answers, authorities, additionals: answers, edns })),
  buildDns(message('www.example.com', 1, { response: true, answers })),
];

const view: View = {
  mtuBytes: 1450,
  zones: [
    {
      origin: named('red.example'),
      hosts: new Map([['web1', Array.from({ length: 60 }, (_, index) => `10.1.0.${index + 11}`)]]),
      names: new Map([['10.1.0.11', named('web1.red.example')]]),
      gateways: ['10.1.0.1'],
      prefixes: ['10.1.0.0/24', '2001:db8:1::/64'].flatMap((cidr) => parsePrefix(cidr)?.prefix ?? []),
    },
  ],
};

export function run(data: Buffer): void {
  const parsed = attempt(data);
  if (parsed !== undefined) assert.deepEqual(parseDns(buildDns(parsed)), parsed);
  const read = readQuery(data);
  if (read.kind === 'drop') return;
  if (read.kind === 'reply') {
    assert.ok(read.bytes.length <= 512, `refusal of ${read.bytes.length} bytes`);
    checkReply(read.bytes, data);
    return;
  }
  const { query } = read;
  const local = answerLocally(query.question, view, { ttlSeconds: 60, negativeTtlSeconds: 10, serial: 1 });
  if (local === undefined) return;
  const reply = buildReply(query, local, view.mtuBytes);
  const limit = Math.min(1232, Math.max(512, query.message.edns?.size ?? 0));
  assert.ok(reply.length <= limit, `reply of ${reply.length} bytes, allowed are ${limit}`);
  checkReply(reply, data);
}

function attempt(data: Buffer): DnsMessage | undefined {
  try {
    return parseDns(data);
  } catch (error) {
    if (error instanceof DnsFormatError) return undefined;
    throw error;
  }
}

function checkReply(reply: Buffer, query: Buffer): void {
  const heard = parseDns(reply);
  assert.ok(heard.response && heard.id === query.readUInt16BE(0));
}
