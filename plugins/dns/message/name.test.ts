import { formatPrefix, parsePrefix } from '@weft/kernel/contract/net';
import test from 'ava';
import {
  belowKey,
  formatName,
  isWithin,
  nameKey,
  parseName,
  reverseName,
  reversePrefix,
  reverseZoneLabels,
  tailKeys,
  wireLength,
} from './name.ts';

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

test('reverse names of both families', (t) => {
  t.deepEqual(reverseName('10.1.0.11'), ['11', '0', '1', '10', 'in-addr', 'arpa']);
  t.is(reverseName('2001:db8::567:89ab').join('.'), 'b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa');
  const spelt = (labels: readonly string[]) => {
    const prefix = reversePrefix(labels);
    return prefix && formatPrefix(prefix);
  };
  for (const text of ['10.1.0.11', '2001:db8::567:89ab']) t.is(spelt(reverseName(text)), text.includes(':') ? `${text}/128` : `${text}/32`);
  t.is(spelt(['1', '10', 'IN-ADDR', 'arpa']), '10.1.0.0/16');
  t.is(spelt(['8', 'B', 'd', '0', '1', '0', '0', '2', 'IP6', 'arpa']), '2001:db8::/32');
  t.is(spelt(['in-addr', 'arpa']), '0.0.0.0/0');
  for (const labels of [['256'], ['01'], ['x'], ['1', '2', '3', '4', '5']]) t.is(spelt([...labels, 'in-addr', 'arpa']), undefined);
  for (const labels of [['10'], ['g'], [''], Array<string>(33).fill('1')]) t.is(spelt([...labels, 'ip6', 'arpa']), undefined);
  t.is(spelt(['arpa']), undefined);
  t.is(spelt([]), undefined);
});

test('zones of reverse names are as short as fits inside the subnet', (t) => {
  const labels = (text: string) => reverseZoneLabels(parsePrefix(text)?.prefix ?? t.fail(text));
  t.deepEqual(['10.0.0.0/8', '10.2.0.0/20', '10.3.0.0/30'].map(labels), [1, 3, 3]);
  t.deepEqual(['2000::/8', '2001:db8::/47', '2001:db8::/64', '2001:db8::/126'].map(labels), [2, 12, 16, 31]);
});

test('keys of the last labels, as many as are wanted', (t) => {
  const name = ['A.b', 'Example', 'org'];
  t.deepEqual(tailKeys(name), ['', 'org', 'example.org', 'a\\.b.example.org']);
  t.deepEqual(tailKeys(name, 1), ['', 'org']);
  t.deepEqual(tailKeys([]), ['']);
  t.is(belowKey('A', ''), nameKey(['a']));
  t.is(tailKeys(name).at(-1), nameKey(name));
});
