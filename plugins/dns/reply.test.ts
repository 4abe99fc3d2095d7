import test from 'ava';
import { parseDns } from './message/codec.ts';
import { buildReply, buildTruncated, readQuery, udpLimit } from './reply.ts';
import type { Resolution } from './zone/authority.ts';

const www = '03777777076578616d706c6503636f6d00';
const query = ({ flags = '0100', type = '0001', klass = '0001', opt = '' } = {}): Buffer =>
  Buffer.from(`1234${flags}000100000000000${opt === '' ? 0 : 1}${www}${type}${klass}${opt}`, 'hex');
const opt = (size = '04d0', version = '00', flags = '0000', data = '0000'): string => `000029${size}00${version}${flags}${data}`;

/** Reply to what is answered without looking up. */
function immediate(bytes: Buffer) {
  const read = readQuery(bytes);
  if (read.kind !== 'reply') throw new Error(`${read.kind}, not a reply`);
  return parseDns(read.bytes);
}

// RFC 8906 §8 and RFC 6891 §6: each of these gets an answer, of this code.
const refused: readonly [name: string, bytes: Buffer, rcode: number][] = [
  ['an unknown opcode', query({ flags: '7900' }), 4],
  ['a header alone with an unknown opcode', Buffer.from('123479000000000000000000', 'hex'), 4],
  ['NOTIFY', query({ flags: '2000' }), 4],
  ['UPDATE', query({ flags: '2800' }), 4],
  ['no question', Buffer.from('123401000000000000000000', 'hex'), 1],
  ['two questions', Buffer.from(`1234010000020000000000 00${www}00010001${www}00010001`.replace(' ', ''), 'hex'), 1],
  ['a malformed question', Buffer.from('123401000001000000000000c00c00010001', 'hex'), 1],
  ['EDNS version 1', query({ opt: opt('04d0', '01') }), 16],
  ['EDNS version 100 with an option', query({ opt: opt('04d0', '64', '0000', '0004000a0000') }), 16],
  ['two OPT records', Buffer.from(`123401000001000000000002${www}00010001${opt()}${opt()}`, 'hex'), 1],
  ['class CH', query({ klass: '0003' }), 5],
  ['class ANY', query({ klass: '00ff' }), 5],
  ['AXFR', query({ type: '00fc' }), 5],
  ['IXFR', query({ type: '00fb' }), 5],
  ['MAILB', query({ type: '00fd' }), 4],
  ['TSIG as a question', query({ type: '00fa' }), 4],
  ['OPT as a question', query({ type: '0029' }), 1],
];
for (const [name, bytes, rcode] of refused) {
  test(`answers ${name} with ${rcode}`, (t) => {
    const reply = immediate(bytes);
    t.like(reply, { id: 0x1234, response: true, rcode, answers: [], truncated: false });
    t.is(reply.opcode, (bytes.readUInt8(2) >> 3) & 15);
  });
}

test('a refusal is short, however many questions there are', (t) => {
  const questions = Buffer.alloc(5 * 800, Buffer.from('0000010001', 'hex'));
  const read = readQuery(Buffer.concat([Buffer.from('123401000320000000000001', 'hex'), questions, Buffer.from(opt('04d0', '01'), 'hex')]));
  t.true(read.kind === 'reply' && read.bytes.length <= 512);
});

test('BADVERS tells the version that is served', (t) => {
  t.like(immediate(query({ opt: opt('04d0', '01', '8000') })).edns, { version: 0, size: 1232, dnssecOk: true });
});

test('is silent only to responses and to less than a header', (t) => {
  t.is(readQuery(query({ flags: '8180' })).kind, 'drop');
  t.is(readQuery(query().subarray(0, 11)).kind, 'drop');
  t.is(readQuery(Buffer.alloc(0)).kind, 'drop');
});

const record = { name: ['www', 'example', 'com'], type: 1, class: 1, ttl: 5, data: Buffer.from([10, 1, 0, 11]) };
const resolution = (count = 1, more: Partial<Resolution> = {}): Resolution => ({
  ...{ rcode: 0, authoritative: true, authorities: [], authenticData: false, truncated: false },
  answers: Array.from({ length: count }, () => record),
  ...more,
});

function replied(bytes: Buffer, said = resolution(), mtu = 1450) {
  const read = readQuery(bytes);
  if (read.kind !== 'query') throw new Error(`${read.kind}, not a query`);
  const built = buildReply(read.query, said, udpLimit(read.query.message, mtu));
  return { ...parseDns(built), length: built.length };
}

test('unknown types and flags are ordinary questions', (t) => {
  for (const type of ['03e8', 'ff00', '0000', '00ff']) t.is(readQuery(query({ type })).kind, 'query');
  for (const flags of ['0140', '0120', '0110', '0300', '0500', '010f']) t.is(readQuery(query({ flags })).kind, 'query');
});

test('copies id, question, RD and CD; sets QR and RA; clears Z', (t) => {
  const reply = replied(query({ flags: '0150' }));
  t.like(reply, {
    id: 0x1234,
    response: true,
    recursionDesired: true,
    recursionAvailable: true,
    checkingDisabled: true,
    authoritative: true,
  });
  t.is(reply.questions.length, 1);
  t.false(replied(query({ flags: '0000' })).recursionDesired);
});

test('sends OPT only to those who did', (t) => {
  t.is(replied(query()).edns, undefined);
  const { edns } = replied(query({ opt: opt('04d0', '00', '8000', '0004fde90000') }));
  t.deepEqual(edns, { size: 1232, version: 0, dnssecOk: true, options: Buffer.alloc(0) });
});

test('AD goes to those who understand it (RFC 6840 §5.8)', (t) => {
  const authentic = resolution(1, { authenticData: true });
  t.false(replied(query(), authentic).authenticData);
  t.true(replied(query({ flags: '0120' }), authentic).authenticData);
  t.true(replied(query({ opt: opt('04d0', '00', '8000') }), authentic).authenticData);
});

const sizes: readonly [name: string, bytes: Buffer, mtu: number, limit: number][] = [
  ['no EDNS', query(), 1450, 512],
  ['size 0', query({ opt: opt('0000') }), 1450, 512],
  ['size 511', query({ opt: opt('01ff') }), 1450, 512],
  ['size 800', query({ opt: opt('0320') }), 1450, 800],
  ['size 65535', query({ opt: opt('ffff') }), 1450, 1232],
  ['size 1232 over a small MTU', query({ opt: opt() }), 1000, 972],
];
for (const [name, bytes, mtu, limit] of sizes) {
  test(`with ${name}, ${limit} bytes fit and no more`, (t) => {
    const fixed = 33 + (bytes.length > 33 ? 11 : 0);
    const most = Math.floor((limit - fixed) / 16);
    t.false(replied(bytes, resolution(most), mtu).truncated);
    const cut = replied(bytes, resolution(most + 1), mtu);
    t.true(cut.truncated);
    t.is(cut.answers.length, 0);
  });
}

test('what is put off has the question, TC, and nothing else', (t) => {
  const read = readQuery(query({ opt: opt('1000', '00', '8000') }));
  if (read.kind !== 'query') throw new TypeError(read.kind);
  const reply = parseDns(buildTruncated(read.query));
  t.like(reply, { id: 0x1234, rcode: 0, truncated: true, answers: [], authorities: [], additionals: [] });
  t.is(reply.questions.length, 1);
  t.true(reply.edns?.dnssecOk);
});

test('a query of more than 4,096 bytes is not read', (t) => {
  const long = Buffer.concat([query(), Buffer.alloc(4096)]);
  t.like(immediate(long), { id: 0x1234, rcode: 1, questions: [] });
});
