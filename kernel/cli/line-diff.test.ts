import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { unifiedDiff } from './line-diff.ts';

const lines = (...numbers: number[]) => numbers.map((number) => `line ${number}\n`).join('');
const many = Array.from({ length: 60 }, (_, index) => index);

const cases: [name: string, before: string, after: string][] = [
  ['one line changed', lines(1, 2, 3), lines(1, 9, 3)],
  ['all new', '', lines(1, 2)],
  ['all gone', lines(1, 2), ''],
  ['two distant changes', lines(...many), lines(...many.map((number) => (number === 5 || number === 50 ? 99 : number)))],
  ['two near changes', lines(...many), lines(...many.filter((number) => number !== 20 && number !== 25))],
  ['lines moved', lines(...many), lines(...many.slice(30), ...many.slice(0, 30))],
  ['repeated lines', lines(1, 1, 2, 1, 1), lines(1, 2, 1, 1, 1, 2)],
];

for (const [name, before, after] of cases)
  test(`git apply turns the old text into the new one: ${name}`, (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'weft-diff-'));
    t.teardown(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'text');
    writeFileSync(file, before);
    const options = {
      cwd: folder,
      input: unifiedDiff(before, after, 'text', 'text'),
      env: { ...process.env, GIT_CEILING_DIRECTORIES: folder },
    };
    execFileSync('git', ['apply', '-p0', '--unidiff-zero', '-'], options);
    t.is(readFileSync(file, { encoding: 'utf8', flag: 'a+' }), after);
  });

test('equal texts have no difference', (t) => {
  t.is(unifiedDiff(lines(1, 2), lines(1, 2), 'a', 'b'), '');
});

test('texts too large to compare are shown as replaced', (t) => {
  const large = (word: string) => Array.from({ length: 5_000 }, (_, index) => `${word} ${index}\n`).join('');
  const text = unifiedDiff(large('old'), large('new'), 'a', 'b');
  t.is(text.split('\n').filter((line) => line.startsWith('-old')).length, 5_000);
  t.is(text.split('\n').filter((line) => line.startsWith('+new')).length, 5_000);
});
