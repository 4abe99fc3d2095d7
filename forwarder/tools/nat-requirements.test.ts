import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { type Document, documents, requirementFaults, requirementsPage, testsIn } from './nat-requirements.ts';

const folder = join(import.meta.dirname, '../test');
const sources = readdirSync(folder)
  .filter((name) => name.startsWith('nat_rfc_') && name.endsWith('.c'))
  .map((name) => readFileSync(join(folder, name), 'utf8'));

const one = (requirement: Document['requirements'][number]): Document[] => [{ rfc: 4787, title: 'x', requirements: [requirement] }];

test('every test is run by its program', (t) => {
  for (const source of sources) for (const name of testsIn([source])) t.true(source.includes(`CASE(${name})`), name);
});

test('every requirement is on the page, with its test or the reason why not', (t) => {
  const page = requirementsPage(sources);
  for (const { requirements } of documents)
    for (const { clause, level, text, test: name, why } of requirements) {
      const rows = page.split('\n').filter((row) => row.startsWith(`| ${clause} | ${level} | ${text} | `));
      t.true(
        rows.some((row) => row.includes(name ?? '') && row.includes(why ?? '')),
        text,
      );
    }
});

test('a requirement without a test and a reason is refused by name', (t) => {
  t.deepEqual(requirementFaults(one({ clause: 'REQ-1', level: 'MUST', text: 'x' }), new Set()), [
    'RFC 4787 REQ-1 has neither a test nor a reason why not',
  ]);
});

test('a test that does not exist, and one that nothing names, are refused by name', (t) => {
  const faults = requirementFaults(
    one({ clause: 'REQ-1', level: 'MUST', text: 'x', test: 'rfc4787_req_1' }),
    testsIn(['TEST(rfc1_req_2)\n']),
  );
  t.is(faults.length, 2);
  t.regex(faults[0] ?? '', /RFC 4787 REQ-1 names the test rfc4787_req_1/);
  t.regex(faults[1] ?? '', /rfc1_req_2 stands for no requirement/);
});
