import test from 'ava';
import { formatName, isWithin, nameKey, parseName, reverseName, reverseOctets, wireLength } from './name.ts';

test('reads names as users write them', (t) => {
  t.deepEqual(parseName('web1.red.example'), ['web1', 'red', 'example']);
  t.deepEqual(parseName('web1.'), ['web1']);
  for (const text of ['', '.', 'a..b', `${'a'.repeat(64)}.example`, 'a b', `${'a.'.repeat(127)}a`]) t.is(parseName(text), undefined, text);
  t.is(wireLength(parseName(`${'a.'.repeat(126)}a`) ?? []), 255);
});

test('letter case does not count, dots inside labels do', (t) => {
  t.is(nameKey(['WEB', 'Example']), nameKey(['web', 'example']));
  t.not(nameKey(['a.b']), nameKey(['a', 'b']));
  t.not(nameKey(['a\\', 'b']), nameKey(['a\\.b']));
  t.not(nameKey(['\u00c4']), nameKey(['\u00e4']), 'only ASCII letters fold');
});

test('shows any name', (t) => {
  t.is(formatName([]), '.');
  t.is(formatName(['a.b', '\u0000x']), 'a\\.b.\\000x.');
});

test('within is by whole labels', (t) => {
  t.true(isWithin(['a', 'B'], ['b']));
  t.true(isWithin(['b'], ['b']));
  t.true(isWithin(['b'], []));
  t.false(isWithin(['ab'], ['b']));
  t.false(isWithin(['b'], ['a', 'b']));
});

test('reverse names', (t) => {
  t.deepEqual(reverseName('10.1.0.11'), ['11', '0', '1', '10', 'in-addr', 'arpa']);
  t.deepEqual(reverseOctets(reverseName('10.1.0.11')), [10, 1, 0, 11]);
  t.deepEqual(reverseOctets(['1', '10', 'IN-ADDR', 'arpa']), [10, 1]);
  for (const labels of [['256'], ['01'], ['x'], ['1', '2', '3', '4', '5']]) t.is(reverseOctets([...labels, 'in-addr', 'arpa']), undefined);
  t.is(reverseOctets(['arpa']), undefined);
});
