import test from 'ava';
import { buildDns, type DnsMessage, parseDns, type Question } from '../message/codec.ts';
import { a, question } from '../test/pretended-upstreams.ts';
import { acceptReply, makeQuery } from './query.ts';

const flags = { dnssecOk: false, checkingDisabled: false };
const sent = makeQuery(question('www.a-long-enough-name.example'), flags, { edns: true, mixCase: true });
const query = parseDns(sent.bytes);
const [asked = question('')] = query.questions;
const reply = (more: Partial<DnsMessage> = {}): Buffer => buildDns({ ...query, response: true, ...more });
const named = (name: string): Question => ({ ...asked, name: name.split('.') });

test('asks for recursion with EDNS and an id of its own', (t) => {
  const queries = Array.from({ length: 40 }, () => parseDns(makeQuery(question('A.example'), flags, { edns: true, mixCase: false }).bytes));
  t.true(queries.every((each) => each.recursionDesired && !each.response && each.edns?.size === 1232));
  t.true(queries.every((each) => each.questions[0]?.name.join('.') === 'a.example'));
  t.true(new Set(queries.map(({ id }) => id)).size > 30);
  t.is(parseDns(makeQuery(question('a.example'), flags, { edns: false, mixCase: false }).bytes).edns, undefined);
});

test('passes DO and CD on', (t) => {
  const { edns, checkingDisabled } = parseDns(
    makeQuery(question('a.example'), { dnssecOk: true, checkingDisabled: true }, { edns: true, mixCase: false }).bytes,
  );
  t.true(edns?.dnssecOk);
  t.true(checkingDisabled);
});

test('changes no bytes that are no letters of ASCII', (t) => {
  const name = ['\u00c0\u00e0[`{@Z', 'example'];
  const each = parseDns(makeQuery({ ...asked, name }, flags, { edns: false, mixCase: false }).bytes);
  t.deepEqual(each.questions[0]?.name, ['\u00c0\u00e0[`{@z', 'example']);
});

const lower = asked.name.map((label) => label.toLowerCase());
const flipped = asked.name.map((label) =>
  label.replace(/[a-z]/gi, (letter) => (letter < 'a' ? letter.toLowerCase() : letter.toUpperCase())),
);
const strangers: readonly [name: string, bytes: Buffer][] = [
  ['another id', reply({ id: query.id ^ 1 })],
  ['a query', reply({ response: false })],
  ['another opcode', reply({ opcode: 4 })],
  ['another name', reply({ questions: [named('www.b-long-enough-name.example')] })],
  ['a shorter name', reply({ questions: [named('a-long-enough-name.example')] })],
  ['a longer name', reply({ questions: [named('x.www.a-long-enough-name.example')] })],
  ['another type', reply({ questions: [{ ...asked, type: 28 }] })],
  ['another class', reply({ questions: [{ ...asked, class: 3 }] })],
  ['another type and another case', reply({ questions: [{ ...asked, name: flipped, type: 28 }] })],
  ['an answer without question', reply({ questions: [] })],
  ['two questions', reply({ questions: [asked, asked] })],
  ['a header that ends with it', reply().subarray(0, 12)],
  ['half a question', reply().subarray(0, 20)],
  ['bytes behind the end', Buffer.concat([reply(), Buffer.alloc(1)])],
  ['half a header', reply().subarray(0, 5)],
  ['nothing', Buffer.alloc(0)],
];
for (const [name, bytes] of strangers) test(`does not take ${name} for its reply`, (t) => t.is(acceptReply(bytes, sent), undefined));

test('takes its reply, and tells whether the case was kept', (t) => {
  t.true(acceptReply(reply(), sent)?.keptCase);
  t.false(acceptReply(reply({ questions: [{ ...asked, name: flipped }] }), sent)?.keptCase);
});

test('names that point to the question lose the random case', (t) => {
  const accepted = acceptReply(reply({ answers: [a(asked.name.join('.'), 9), a(asked.name.slice(1).join('.'), 9)] }), sent);
  t.deepEqual(
    accepted?.message.answers.map(({ name }) => name),
    [lower, lower.slice(1)],
  );
});

test('keeps none of the bytes', (t) => {
  const bytes = reply({ answers: [a(asked.name.join('.'), 9)] });
  const accepted = acceptReply(bytes, sent);
  bytes.fill(0xff);
  t.deepEqual([...(accepted?.message.answers[0]?.data ?? [])], [192, 0, 2, 80]);
});

test('takes an error without question', (t) => {
  for (const rcode of [1, 2, 4, 5]) t.is(acceptReply(reply({ questions: [], rcode }), sent)?.message.rcode, rcode);
  t.is(acceptReply(reply({ questions: [], rcode: 3 }), sent), undefined, 'nobody says NXDOMAIN without a name');
});

test('a truncated reply counts, wherever it was cut', (t) => {
  const whole = reply({ truncated: true, answers: [a(asked.name.join('.'), 9)] });
  for (let length = whole.length; length > whole.length - 25; length -= 1) {
    t.true(acceptReply(whole.subarray(0, length), sent)?.message.truncated);
  }
});
