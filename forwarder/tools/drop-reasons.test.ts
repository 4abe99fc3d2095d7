import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { dropReasonsPage, parseReasons } from './drop-reasons.ts';

const definitions = readFileSync(join(import.meta.dirname, '../src/drop.def'), 'utf8');

test('every reason is read', (t) => {
  t.is(parseReasons(definitions).length, [...definitions.matchAll(/^DROP\(/gm)].length);
});

test('every reason is on the page once, with its sentence and advice', (t) => {
  const page = dropReasonsPage(definitions);
  for (const { name, sentence } of parseReasons(definitions)) {
    const lines = page.split('\n').filter((line) => line.startsWith(`| \`${name}\` |`));
    t.is(lines.length, 1, name);
    t.true(lines[0]?.includes(`| ${sentence} | `), name);
  }
});

test('a reason without advice, and advice without a reason, are refused by name', (t) => {
  t.throws(() => dropReasonsPage(`${definitions}DROP(NEW, "new-reason", "Something.")\n`), { message: /new-reason has no advice/ });
  t.throws(() => dropReasonsPage(definitions.replace(/^DROP\(TX_FULL.*\n/m, '')), { message: /tx-full is no reason/ });
});
