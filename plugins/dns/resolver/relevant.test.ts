import test from 'ava';
import type { DnsMessage, ResourceRecord } from '../message/codec.ts';
import { nameData } from '../message/rdata.ts';
import { a, aaaa, cname, question, record, soa } from '../test/pretended-upstreams.ts';
import { toResolution } from './relevant.ts';

const reply = (answers: readonly ResourceRecord[], authorities: readonly ResourceRecord[] = [], rcode = 0): DnsMessage => ({
  ...{ id: 7, response: true, opcode: 0, authoritative: true, truncated: false, recursionDesired: true, recursionAvailable: true },
  ...{ authenticData: false, checkingDisabled: false, rcode, questions: [question('a.example')], answers, authorities, additionals: [] },
});
const rrsig = (name: string, ttl = 9) => record(name, 46, ttl, Buffer.alloc(20));
const dname = record('old.example', 39, 9, nameData(['new', 'example']));

const cases: readonly [
  title: string,
  kept: number[],
  answers: readonly ResourceRecord[],
  asked?: ReturnType<typeof question>,
  dnssecOk?: boolean,
][] = [
  ['what was asked', [0], [a('A.example', 9)]],
  ['not another name', [], [a('b.example', 9)]],
  ['not another type', [], [aaaa('a.example', 9)]],
  ['not another class', [], [{ ...a('a.example', 9), class: 3 }]],
  ['a chain of aliases', [0, 1, 2], [cname('a.example', 9, 'b.test'), cname('b.test', 9, 'c.test'), a('c.test', 9)]],
  ['a chain in disorder', [0, 1, 2], [a('c.test', 9), cname('b.test', 9, 'c.test'), cname('a.example', 9, 'b.test')]],
  ['nothing beside the chain', [0, 2], [cname('a.example', 9, 'b.test'), a('a.test', 9), a('b.test', 9)]],
  ['a loop once', [0, 1], [cname('a.example', 9, 'b.test'), cname('b.test', 9, 'a.example')]],
  [
    'an alias asked for, and not what it stands for',
    [0],
    [cname('a.example', 9, 'b.test'), cname('b.test', 9, 'c.test')],
    question('a.example', 5),
  ],
  ['all types for ANY', [0, 1], [a('a.example', 9), aaaa('a.example', 9), a('b.example', 9)], question('a.example', 255)],
  [
    'the alias of a whole zone',
    [0, 1, 2],
    [dname, cname('x.old.example', 9, 'x.new.example'), a('x.new.example', 9)],
    question('x.old.example'),
  ],
  ['signatures for those who ask', [0, 1], [a('a.example', 9), rrsig('a.example'), rrsig('b.example')], question('a.example'), true],
  ['no signatures for others', [0], [a('a.example', 9), rrsig('a.example')]],
  ['signatures as such', [0], [rrsig('a.example')], question('a.example', 46)],
];
for (const [title, kept, answers, asked = question('a.example'), dnssecOk = false] of cases) {
  test(`takes ${title}`, (t) => {
    const { answers: told } = toResolution(reply(answers), asked, dnssecOk);
    t.deepEqual(
      told,
      kept.flatMap((index) => answers[index] ?? []),
    );
  });
}

test('a chain that is too long ends', (t) => {
  const chain = Array.from({ length: 100 }, (_, index) => cname(`n${index}.example`, 9, `n${index + 1}.example`));
  t.is(toResolution(reply(chain), question('n0.example'), false).answers.length, 17);
});

test('data that is no name ends a chain', (t) => {
  t.notThrows(() => toResolution(reply([record('a.example', 5, 9, Buffer.from([5, 65]))]), question('a.example'), false));
});

test('takes the SOA above the name, and no other', (t) => {
  const authorities = [soa('test', 9, 9), soa('example', 9, 9), soa('b.example', 9, 9)];
  t.deepEqual(toResolution(reply([], authorities, 3), question('a.example'), false).authorities, [authorities[1]]);
  const aliased = toResolution(reply([cname('a.example', 9, 'b.test')], authorities), question('a.example'), false);
  t.deepEqual(aliased.authorities, [authorities[0]], 'of the end of the chain');
});

test('a set has one TTL, the least', (t) => {
  const { answers } = toResolution(
    reply([a('a.example', 9), a('A.example', 7, '192.0.2.81'), cname('a.example', 3, 'b.example')]),
    question('a.example'),
    false,
  );
  t.deepEqual(
    answers.map(({ ttl }) => ttl),
    [7, 7, 3],
  );
  t.is(toResolution(reply([a('a.example', 0x8000_0000)]), question('a.example'), false).answers[0]?.ttl, 0);
});

test('private addresses pass', (t) => {
  t.is(toResolution(reply([a('a.example', 9, '10.0.0.1')]), question('a.example'), false).answers.length, 1);
});
