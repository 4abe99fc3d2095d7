import test from 'ava';
import { Holders } from './holders.ts';

const nobody: ReadonlySet<string> = new Set();

test('of several holders any is found that is not excepted, and the last to go takes the thing along', (t) => {
  const holders = new Holders<number>();
  for (const title of ['a', 'b', 'a', 'c']) holders.add(1, title);
  t.true(['a', 'b', 'c'].includes(holders.find(1, nobody) ?? ''));
  t.is(holders.find(1, new Set(['a', 'c'])), 'b');
  t.is(holders.find(1, new Set(['a', 'b', 'c'])), undefined);
  holders.remove(1, 'b');
  holders.remove(1, 'x');
  t.is(holders.find(1, new Set(['c'])), 'a');
  holders.remove(1, 'a');
  holders.remove(1, 'c');
  t.false(holders.has(1));
});

test('one who does not hold a thing takes it from nobody', (t) => {
  const holders = new Holders<string>();
  holders.add('mac', 'a');
  holders.remove('mac', 'b');
  t.is(holders.find('mac', nobody), 'a');
});
