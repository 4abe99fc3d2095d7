/** RFC 8906 §8 and RFC 6891 by clause, over both transports: what a compliance checker sends, and what it expects. */
import { parseUdpFrame } from '@weft/kernel/contract/net';
import type { TestPlugin } from '@weft/kernel/sdk/testing';
import test, { type ExecutionContext } from 'ava';
import { parseDns } from '../message/codec.ts';
import { framed } from '../message/frames.ts';
import { dial, frame, started } from './asking.ts';
import { record, tenants } from './world.ts';

/** Mixed case on purpose: the question must come back as it was (0x20). */
const apex = '03526544074578416d506c4500';
const text = `04626967 31${apex}`.replace(' ', '');

interface Question {
  readonly flags?: string;
  readonly name?: string;
  readonly type?: string;
  readonly klass?: string;
  /** Additional records. */
  readonly more?: readonly string[];
  /** Question, answer and authority counts instead of 1, 0, 0. */
  readonly counts?: string;
  /** All behind the header. */
  readonly body?: string;
}

function bytesOf({
  flags = '0000',
  name = apex,
  type = '0006',
  klass = '0001',
  more = [],
  counts = '000100000000',
  body,
}: Question): Buffer {
  const last = more.length.toString(16).padStart(4, '0');
  return Buffer.from(`beef${flags}${counts}${last}${body ?? `${name}${type}${klass}${more.join('')}`}`, 'hex');
}

const opt = ({ size = '1000', version = '00', flags = '0000', options = '' } = {}): string =>
  `000029${size}00${version}${flags}${(options.length / 2).toString(16).padStart(4, '0')}${options}`;
const nsid = '00030000';
const subnet = '0008000400010000';
const cookie = '000a00080102030405060708';
const expire = '00090000';
const unknownOption = '00640000';

interface Expected {
  readonly rcode: number;
  /** Types of the answers. */
  readonly answers?: readonly number[];
  /** Types of the authorities. */
  readonly authorities?: readonly number[];
  readonly edns?: boolean;
  readonly dnssecOk?: boolean;
  readonly truncated?: boolean;
  /** Whether the question comes back. */
  readonly question?: boolean;
  readonly recursionDesired?: boolean;
  readonly checkingDisabled?: boolean;
}

const soa: Expected = { rcode: 0, answers: [6] };
const rows: readonly [clause: string, asked: Question, expected: Expected][] = [
  ['8.1.1 plain SOA', {}, soa],
  ['8.1.2 TYPE1000', { type: '03e8' }, { rcode: 0, authorities: [6] }],
  ['8.1.2 type 0', { type: '0000' }, { rcode: 0, authorities: [6] }],
  ['8.1.2 TYPE65535', { type: 'ffff' }, { rcode: 0, authorities: [6] }],
  ['8.1.3.1 CD', { flags: '0010' }, { ...soa, checkingDisabled: true }],
  ['8.1.3.2 AD', { flags: '0020' }, soa],
  ['8.1.3.3 Z', { flags: '0040' }, soa],
  ['8.1.3.4 RD', { flags: '0100' }, { ...soa, recursionDesired: true }],
  ['8.1.3 AA, TC and RA in a query', { flags: '0680' }, soa],
  ['8.1.3 an rcode in a query', { flags: '000f' }, soa],
  ['8.1.4 opcode 15, header only', { flags: '7800', counts: '000000000000', body: '' }, { rcode: 4, question: false }],
  ['8.1.4 opcode 15 with a question', { flags: '7800' }, { rcode: 4, question: false }],
  ['8.1.4 IQUERY', { flags: '0800' }, { rcode: 4, question: false }],
  ['8.1.4 NOTIFY', { flags: '2000' }, { rcode: 4, question: false }],
  ['8.1.4 UPDATE', { flags: '2800' }, { rcode: 4, question: false }],
  ['8.1.4 DSO', { flags: '3000' }, { rcode: 4, question: false }],
  ['8.2.1 EDNS 0', { more: [opt()] }, { ...soa, edns: true }],
  ['8.2.1 EDNS 0, size 0', { more: [opt({ size: '0000' })] }, { ...soa, edns: true }],
  ['8.2.1 EDNS 0, size 511', { more: [opt({ size: '01ff' })] }, { ...soa, edns: true }],
  ['8.2.2 EDNS 0, size 512 and DO', { more: [opt({ size: '0200', flags: '8000' })] }, { ...soa, edns: true, dnssecOk: true }],
  ['8.2.3 EDNS 1', { more: [opt({ version: '01' })] }, { rcode: 16, edns: true }],
  ['8.2.3 EDNS 100', { more: [opt({ version: '64' })] }, { rcode: 16, edns: true }],
  ['8.2.4 an unknown option', { more: [opt({ options: unknownOption })] }, { ...soa, edns: true }],
  ['8.2.5 unknown flags', { more: [opt({ flags: '0080' })] }, { ...soa, edns: true }],
  ['8.2.5 all flags', { more: [opt({ flags: 'ffff' })] }, { ...soa, edns: true, dnssecOk: true }],
  ['8.2.6 EDNS 1, unknown flags', { more: [opt({ version: '01', flags: '0080' })] }, { rcode: 16, edns: true }],
  ['8.2.7 EDNS 1, unknown option', { more: [opt({ version: '01', options: unknownOption })] }, { rcode: 16, edns: true }],
  ['8.2.9 DO', { more: [opt({ flags: '8000' })] }, { ...soa, edns: true, dnssecOk: true }],
  ['8.2.10 EDNS 1 and DO', { more: [opt({ version: '01', flags: '8000' })] }, { rcode: 16, edns: true, dnssecOk: true }],
  ['8.2.11 NSID, client subnet, cookie, EXPIRE', { more: [opt({ options: nsid + subnet + cookie + expire })] }, { ...soa, edns: true }],
  ['a cookie that is too short', { more: [opt({ options: '000a000101' })] }, { ...soa, edns: true }],
  [
    'RFC 6891 §6.1.1 OPT before another record',
    { more: [opt(), `${apex}00010001000000000004 0a010001`.replace(' ', '')] },
    { ...soa, edns: true },
  ],
  ['RFC 6891 §6.1.1 two OPT', { more: [opt(), opt()] }, { rcode: 1, question: false }],
  ['RFC 6891 §6.1.1 OPT among the answers', { counts: '000100010000', body: `${apex}00060001${opt()}` }, { rcode: 1, question: false }],
  ['RFC 6891 §6.1.1 OPT among the authorities', { counts: '000100000001', body: `${apex}00060001${opt()}` }, { rcode: 1, question: false }],
  ['RFC 6891 §6.1.2 OPT below the root', { more: [`0161${opt()}`] }, { rcode: 1, question: false }],
  ['RFC 6891 §6.1.2 an option cut short', { more: [opt({ options: '000a0005' })] }, { rcode: 1, question: false }],
  ['OPT as a question', { type: '0029' }, { rcode: 1 }],
  ['no question', { counts: '000000000000', body: '' }, { rcode: 1, question: false }],
  ['two questions (RFC 9619)', { counts: '000200000000', body: `${apex}00060001${apex}00010001` }, { rcode: 1, question: false }],
  ['a question cut short', { body: `${apex}0006` }, { rcode: 1, question: false }],
  ['bytes behind the end', { body: `${apex}0006000100` }, { rcode: 1, question: false }],
  ['65,535 questions', { counts: 'ffff00000000' }, { rcode: 1, question: false }],
  ['65,535 answers', { counts: '0001ffff0000' }, { rcode: 1, question: false }],
  ['a name that points to itself', { name: 'c00c' }, { rcode: 1, question: false }],
  ['a name that points forward', { name: 'c00e', body: 'c00e03777777000001 0001'.replace(' ', '') }, { rcode: 1, question: false }],
  ['a name of two pointers at each other', { name: 'c00ec00c' }, { rcode: 1, question: false }],
  ['a name of 256 bytes', { name: `${`3f${'61'.repeat(63)}`.repeat(3)}3e${'61'.repeat(62)}00` }, { rcode: 1, question: false }],
  ['a label of an unknown kind', { name: '4161 00'.replace(' ', '') }, { rcode: 1, question: false }],
  ['AXFR', { type: '00fc' }, { rcode: 5 }],
  ['IXFR', { type: '00fb', counts: '000100000000' }, { rcode: 5 }],
  ['ANY (RFC 8482)', { type: '00ff' }, { rcode: 0, answers: [6, 2, 1, 28] }],
  ['MAILB', { type: '00fd' }, { rcode: 4 }],
  ['class CH', { klass: '0003' }, { rcode: 5 }],
  ['class ANY', { klass: '00ff' }, { rcode: 5 }],
];

async function overUdp(running: TestPlugin, bytes: Buffer): Promise<Buffer> {
  const before = running.forwarder.injected.length;
  await running.punt('dns', { port: 1, frame: frame(bytes) });
  await running.until(() => running.forwarder.injected.length > before);
  return parseUdpFrame(running.forwarder.injected.at(-1)?.frame ?? Buffer.alloc(0))?.payload ?? Buffer.alloc(0);
}

async function overTcp(running: TestPlugin, bytes: Buffer): Promise<Buffer> {
  const line = await dial(running, 1);
  const chunks: Buffer[] = [];
  line.socket.on('data', (chunk) => chunks.push(chunk));
  line.socket.write(framed(bytes));
  await line.hear(1);
  line.socket.destroy();
  return Buffer.concat(chunks).subarray(2);
}

function check(t: ExecutionContext, asked: Question, expected: Expected, reply: Buffer): void {
  const query = bytesOf(asked);
  const message = parseDns(reply);
  const { rcode, answers = [], authorities = [], edns = false, dnssecOk = false, truncated = false, question = true } = expected;
  const { recursionDesired = false, checkingDisabled = false } = expected;
  t.like(message, { id: 0xbeef, response: true, rcode, truncated, recursionDesired, checkingDisabled, authenticData: false });
  t.is(message.opcode, (query.readUInt8(2) >> 3) & 15);
  t.is(reply.readUInt8(3) & 0x40, 0, 'Z is clear');
  t.deepEqual(
    message.answers.map(({ type }) => type),
    answers,
  );
  t.deepEqual(
    message.authorities.map(({ type }) => type),
    authorities,
  );
  const sent = edns ? { version: 0, size: 1232, dnssecOk, options: Buffer.alloc(0) } : undefined;
  t.deepEqual(message.edns, sent);
  t.is(message.questions.length, question ? 1 : 0);
  const length = (asked.name ?? apex).length / 2 + 4;
  if (question) t.true(reply.subarray(12, 12 + length).equals(query.subarray(12, 12 + length)), 'the question as it was');
}

for (const [transport, exchange] of [
  ['UDP', overUdp],
  ['TCP', overTcp],
] as const) {
  test(`answers all of RFC 8906 over ${transport}`, async (t) => {
    const { running, asked } = await started(t, tenants, { responsesPerSecond: 0 });
    for (const [clause, question, expected] of rows) {
      const attempt = await t.try(clause, async (tt) => check(tt, question, expected, await exchange(running, bytesOf(question))));
      attempt.commit();
    }
    t.deepEqual(asked, []);
  });
}

// RFC 8906 §8.2.8, RFC 6891 §6.2.3 to §6.2.5: sizes below 512 count as 512.
test('what is too long is cut to the size that was asked for, over UDP only', async (t) => {
  const big = record('a', 'red', ['big1', 'TXT', 'x'.repeat(700)]);
  const { running } = await started(t, [...tenants, big]);
  for (const [size, fits] of [
    ['0000', false],
    ['01ff', false],
    ['0200', false],
    ['02bc', false],
    ['0400', true],
    ['1000', true],
    ['ffff', true],
  ] as const) {
    const bytes = bytesOf({ name: text, type: '0010', more: [opt({ size })] });
    const reply = await overUdp(running, bytes);
    t.is(parseDns(reply).truncated, !fits, size);
    t.is(parseDns(reply).answers.length, fits ? 1 : 0, size);
    t.true(reply.length <= Math.max(512, Number.parseInt(size, 16)));
    t.is(parseDns(await overTcp(running, bytes)).answers.length, 1);
  }
  t.true(parseDns(await overUdp(running, bytesOf({ name: text, type: '0010' }))).truncated);
});

// RFC 1035 §4.1.4: a chain of pointers costs no more than it is long, however often it is followed.
test('thousands of pointers take no time', async (t) => {
  const { running } = await started(t);
  const chain = Array.from({ length: 1900 }, (_, index) => (0xc000 | (index === 0 ? 12 : 12 + 17 + 2 * (index - 1))).toString(16)).join('');
  const body = `${apex}00060001${chain}`;
  const reply = parseDns(await overTcp(running, bytesOf({ counts: '000106000000', body })));
  t.is(reply.rcode, 1);
});
