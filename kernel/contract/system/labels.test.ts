import test from 'ava';
import { matchesLabels, parseLabelSelector } from './labels.ts';

const labels = { app: 'web', tier: 'test' };

const cases: [selector: string, matches: boolean][] = [
  ['app=web', true],
  ['app==web', true],
  ['app=db', false],
  ['app!=db', true],
  ['none!=db', true],
  ['app', true],
  ['none', false],
  ['!none', true],
  ['!app', false],
  ['app=web, tier=test', true],
  ['app=web,tier!=test', false],
  ['toString', false],
];
for (const [text, matches] of cases)
  test(`${text} ${matches ? 'holds' : 'does not hold'}`, (t) => {
    const selector = parseLabelSelector(text);
    t.is(selector === null ? null : matchesLabels(selector, labels), matches);
  });

test('what is no selector is null', (t) => {
  for (const text of ['', '=web', 'a=b=c', 'a b', 'a,,b', '!', 'a!', 'a in (b)']) t.is(parseLabelSelector(text), null, text);
});

test('an object without labels has none', (t) => {
  t.true(matchesLabels(parseLabelSelector('!app') ?? []));
});
