import test from 'ava';
import { chosenCases, parseOptions } from './options.ts';

test('by default everything, many rounds of what is compared most closely', (t) => {
  const options = parseOptions([]);
  t.deepEqual(options.rounds, { many: 5, few: 3 });
  t.is(options.hugepages, undefined);
  t.true(chosenCases(options).length > 10);
});

test('a quick run has its own choice of variants, a named case all of its own', (t) => {
  const quick = parseOptions(['--quick']);
  t.deepEqual(quick.rounds, { many: 2, few: 2 });
  t.deepEqual(
    chosenCases(quick).flatMap(({ id, variants }) => variants.map(({ name }) => `${id} ${name}`)),
    ['limit macswap', 'l2 1 k MAC addresses', 'l3 1 k flows', 'l3 1 M flows', 'stateful 128 k flows', 'snat 128 k flows'],
  );
  t.is(chosenCases(parseOptions(['--quick', '--only', 'l3']))[0]?.variants.length, 3);
});

test('mistakes are named', (t) => {
  t.throws(() => parseOptions(['--only', 'l3,l4']), { message: /^--only has l4: there are limit, / });
  t.throws(() => parseOptions(['--contestants', 'vpp']), { message: /^--contestants has vpp/ });
  t.throws(() => parseOptions(['--rounds', '0']), { message: /^--rounds is 0/ });
  t.throws(() => parseOptions(['--hugepages', 'maybe']), { message: /^--hugepages is maybe/ });
  t.throws(() => parseOptions(['--slow']));
});
