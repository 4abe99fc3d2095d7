import test from 'ava';
import packet, { type Packet } from 'dns-packet';
import { buildDns, type DnsMessage, parseDns } from './codec.ts';
import { formatName, parseName } from './name.ts';
import { soaMinimum } from './rdata.ts';
import { DnsFormatError, Writer } from './wire.ts';

const head = (counts: string, flags = '0100'): string => `1234${flags}${counts}`;
const www = '0377777707657861 6d706c6503636f6d00'.replace(' ', '');
const question = `${www}00010001`;

const parse = (hex: string): DnsMessage => parseDns(Buffer.from(hex, 'hex'));
/** Fills the section with one A record per letter, owner compressed. */
const answers = (message: DnsMessage, count: number): DnsMessage => ({
  ...message,
  response: true,
  answers: Array.from({ length: count }, () => ({
    name: parseName('WWW.example.com') ?? [],
    type: 1,
    class: 1,
    ttl: 60,
    data: Buffer.from([10, 1, 0, 11]),
  })),
});

test('reads header bits and question', (t) => {
  const message = parse(head('0001000000000000', '87b3') + question);
  t.like(message, {
    id: 0x1234,
    response: true,
    opcode: 0,
    authoritative: true,
    truncated: true,
    recursionDesired: true,
    recursionAvailable: true,
  });
  t.like(message, { authenticData: true, checkingDisabled: true, rcode: 3 });
  t.is(formatName(message.questions[0]?.name ?? []), 'www.example.com.');
});

test('compresses owner names, whatever their case', (t) => {
  const built = buildDns(answers(parse(head('0001000000000000') + question), 2));
  t.is(built.length, 12 + 21 + 2 * 16);
  t.is(built.subarray(33, 35).toString('hex'), 'c00c');
  t.is(parseDns(built).answers.length, 2);
});

// Names: each ends in an error at once, whatever follows.
const badNames: readonly [name: string, hex: string][] = [
  ['a pointer to itself', 'c00c'],
  ['a pointer forward', 'c00e016100'],
  ['two pointers in a loop', 'c00ec00c'],
  ['a label, then back to its own start', '0161c00c'],
  ['a pointer into the length of the message', 'c0ff'],
  ['half a pointer', 'c0'],
  ['a label beyond the end', '3f61'],
  ['no end', '0161'],
  ['an extended label (RFC 2671)', '4161'],
  ['an unknown label type', '8161'],
  ['256 bytes', `${`3f${'61'.repeat(63)}`.repeat(3)}3e${'61'.repeat(62)}0000010001`],
];
for (const [name, hex] of badNames) {
  test(`refuses a name with ${name}`, (t) => {
    t.throws(() => parse(`${head('0001000000000000') + hex}00010001`), { instanceOf: DnsFormatError });
  });
}

test('takes a name of 255 bytes', (t) => {
  const name = `${`3f${'61'.repeat(63)}`.repeat(3)}3d${'61'.repeat(61)}00`;
  t.is(parse(`${head('0001000000000000')}${name}00010001`).questions.length, 1);
});

test('follows chains of pointers that lead back', (t) => {
  // 12: example.com · 25: www → 12 · then a record owner → the pointer's name
  const bytes = `${head('0003000000000000')}076578616d706c6503636f6d000001000103777777c00c00010001c01d00010001`;
  const names = parse(bytes).questions.map((asked) => formatName(asked.name));
  t.deepEqual(names, ['example.com.', 'www.example.com.', 'www.example.com.']);
});

const opt = (version = '00', ttlFlags = '8000', data = '0000'): string => `00002904d000${version}${ttlFlags}${data}`;

test('reads EDNS: size, version, DO, extended rcode', (t) => {
  const message = parse(`${head('0001000000000001')}${question}00002904d0010080000000`);
  t.deepEqual(message.edns, { size: 1232, version: 0, dnssecOk: true, options: Buffer.alloc(0) });
  t.is(message.rcode, 16);
  t.deepEqual(message.additionals, []);
});

const malformed: readonly [name: string, hex: string][] = [
  ['nothing', ''],
  ['half a header', '1234010000'],
  ['a question that is not there', head('0001000000000000')],
  ['65,535 questions', head('ffff000000000000') + question],
  ['a record cut short', `${head('0000000100000000')}${www}000100010000003c0004`],
  ['bytes behind the end', `${head('0001000000000000')}${question}00`],
  ['two OPT records', `${head('0001000000000002')}${question}${opt()}${opt()}`],
  ['OPT among the answers', `${head('0000000100000000')}${opt()}`],
  ['OPT below the root', `${head('0001000000000001')}${question}0161${opt()}`],
  ['an EDNS option cut short', `${head('0001000000000001')}${question}${opt('00', '0000', '0004000a0005')}`],
  ['a CNAME longer than its name', `${head('0000000100000000')}${www}000500010000003c000300ffff`],
  ['a CNAME whose name leaves its data', `${head('0000000100000000')}${www}000500010000003c0001036162630000`],
  ['a SOA cut short', `${head('0000000100000000')}${www}000600010000003c00040000abcd`],
];
for (const [name, hex] of malformed) {
  test(`refuses ${name}`, (t) => {
    t.throws(() => parse(hex), { instanceOf: DnsFormatError });
  });
}

test('truncates to question and OPT, sets TC (RFC 2181 §9)', (t) => {
  const query = parse(`${head('0001000000000001')}${question}${opt()}`);
  const built = buildDns(answers(query, 40), 512);
  const message = parseDns(built);
  t.true(message.truncated);
  t.is(built.length, 12 + 21 + 11);
  t.is(message.answers.length, 0);
  t.is(message.edns?.size, 1232);
  t.false(parseDns(buildDns(answers(query, 29), 512)).truncated);
});

test('drops additional records without TC', (t) => {
  const full = answers(parse(head('0001000000000000') + question), 40);
  const message = parseDns(buildDns({ ...full, answers: full.answers.slice(0, 2), additionals: full.answers }, 512));
  t.false(message.truncated);
  t.is(message.answers.length, 2);
  t.is(message.additionals.length, 29 - 2 + 0);
});

test('expands names inside data, so that records can move', (t) => {
  // A CNAME and a MX whose targets point into the question.
  const bytes = `${head('0001000200000000', '8180')}${question}c00c000500010000003c0002c010c00c000f00010000003c000600050161c010`;
  const message = parse(bytes);
  t.is(message.answers[0]?.data.toString('hex'), '076578616d706c6503636f6d00');
  t.is(message.answers[1]?.data.toString('hex'), '00050161076578616d706c6503636f6d00');
  t.deepEqual(parseDns(buildDns(message)), message);
});

// dns-packet reads what we write, and we read what it writes.
const oracle: Packet = {
  type: 'response',
  id: 7,
  flags: packet.RECURSION_DESIRED | packet.AUTHORITATIVE_ANSWER,
  questions: [{ name: 'www.example.com', type: 'A' }],
  answers: [
    { name: 'www.example.com', type: 'CNAME', ttl: 5, data: 'a.example.com' },
    { name: 'a.example.com', type: 'A', ttl: 6, data: '10.1.0.11' },
    { name: 'a.example.com', type: 'AAAA', ttl: 6, data: '2001:db8::1' },
    { name: 'a.example.com', type: 'MX', ttl: 7, data: { preference: 10, exchange: 'mx.example.com' } },
    { name: '_x._tcp.example.com', type: 'SRV', ttl: 8, data: { port: 80, weight: 1, priority: 2, target: 'a.example.com' } },
    { name: 'a.example.com', type: 'TXT', ttl: 9, data: [Buffer.from('hello')] },
  ],
  authorities: [
    {
      name: 'example.com',
      type: 'SOA',
      ttl: 9,
      data: { mname: 'ns.example.com', rname: 'h.example.com', serial: 1, refresh: 2, retry: 3, expire: 4, minimum: 5 },
    },
  ],
};
test('agrees with dns-packet', (t) => {
  const ours = parseDns(packet.encode(oracle));
  t.is(soaMinimum(ours.authorities[0]?.data ?? Buffer.alloc(0)), 5);
  const theirs = packet.decode(buildDns(ours));
  for (const [index, record] of (oracle.answers ?? []).entries()) t.like(theirs.answers?.[index], record);
  t.like(theirs.authorities?.[0], { ...oracle.authorities?.[0] });
});

test('no pointer leads to what was taken back', (t) => {
  const writer = new Writer();
  writer.name(['a', 'example'], true);
  const kept = writer.length;
  writer.name(['www', 'b', 'example'], true);
  writer.rewind(kept);
  writer.write(Buffer.alloc(20));
  const at = writer.length;
  writer.name(['b', 'example'], true);
  t.is(writer.finish().toString('hex', at), '0162c002');
});

test('records that point to one name share it; labels of a message are bounded', (t) => {
  const many = (count: number, name: string): Buffer => {
    const head = Buffer.from('000081800001000000000000', 'hex');
    head.writeUInt16BE(count, 6);
    const question = Buffer.from(`${'0161'.repeat(120)}0000010001`, 'hex');
    return Buffer.concat([head, question, ...Array<Buffer>(count).fill(Buffer.from(`${name}00010001000000050004c0000250`, 'hex'))]);
  };
  const { questions, answers } = parseDns(many(4000, 'c00c'));
  t.is(answers.length, 4000);
  t.deepEqual(answers[0]?.name, questions[0]?.name);
  t.true(answers.every(({ name }) => name === answers[0]?.name));
  t.throws(() => parseDns(many(3000, '0162c00c')), { instanceOf: DnsFormatError, message: /too many labels/ });
  t.is(parseDns(many(100, '0162c00c')).answers[99]?.name.length, 121);
});
