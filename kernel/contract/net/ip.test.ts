import test from 'ava';
import * as fc from 'fast-check';
import {
  cidrContains,
  comparePrefixes,
  formatIp,
  formatPrefix,
  type IpAddress,
  type IpPrefix,
  ipv4Mask,
  ipWidth,
  isHostPrefix,
  parseIp,
  parsePrefix,
  prefixContains,
  prefixCovers,
  prefixesOverlap,
  prefixOf,
} from './ip.ts';

const address = fc.oneof(
  fc.bigInt(0n, 2n ** 32n - 1n).map((value): IpAddress => ({ family: 4, value })),
  fc.bigInt(0n, 2n ** 128n - 1n).map((value): IpAddress => ({ family: 6, value })),
);
const prefix = fc.tuple(address, fc.nat(128)).map(([of, length]): IpPrefix => prefixOf(of, Math.min(length, ipWidth(of.family))));

function of(text: string): IpPrefix {
  const parsed = parsePrefix(text);
  if (!parsed) throw new TypeError(text);
  return parsed.prefix;
}

test('addresses survive text and back', async (t) => {
  await fc.assert(
    fc.property(address, (given) => {
      t.deepEqual(parseIp(formatIp(given)), given);
    }),
  );
});

/** The examples of RFC 5952 §1 and §4. */
const canonical: readonly (readonly [written: string, text: string])[] = [
  ['10.1.0.255', '10.1.0.255'],
  ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:0db8::0001', '2001:db8::1'],
  ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
  ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ['0:0:0:0:0:0:0:0', '::'],
];
for (const [written, text] of canonical) {
  test(`${written} is written ${text}`, (t) => {
    const parsed = parseIp(written);
    t.is(parsed && formatIp(parsed), text);
  });
}

test('refuses what is no address', (t) => {
  const texts = ['', '10.1.0', '10.1.0.256', '10.1.0.01', '10.1.0.1/24', ' 10.1.0.1', '0x0a.1.0.1', '10.1.0.1.', '1e1.0.0.1'];
  for (const text of [
    ...texts,
    ':',
    ':::',
    '1::2::3',
    '12345::',
    '::1%eth0',
    '1:2:3:4:5:6:7',
    '::10.1.0.256',
    '::ffff:10.1.0.01',
    '[::1]',
    '::1/64',
  ]) {
    t.is(parseIp(text), undefined, text);
  }
});

test('a prefix knows its first and last address', (t) => {
  t.deepEqual(of('10.1.2.0/24'), { family: 4, first: 0x0a010200n, last: 0x0a0102ffn, length: 24 });
  t.deepEqual(of('255.255.255.255/32'), { family: 4, first: 0xffff_ffffn, last: 0xffff_ffffn, length: 32 });
  t.deepEqual(of('0.0.0.0/0'), { family: 4, first: 0n, last: 0xffff_ffffn, length: 0 });
  t.deepEqual(of('::/0'), { family: 6, first: 0n, last: 2n ** 128n - 1n, length: 0 });
  t.is(formatPrefix(of('2001:db8:1::/64')), '2001:db8:1::/64');
  t.true(isHostPrefix(of('::1/128')));
  t.false(isHostPrefix(of('::1/32')));
});

test('tells canonical prefixes from others', (t) => {
  t.true(parsePrefix('2001:db8::/32')?.canonical);
  const other = parsePrefix('2001:db8::7/64');
  t.false(other?.canonical);
  t.is(other && formatPrefix(other.prefix), '2001:db8::/64');
  for (const text of [
    '10.1.0.0',
    '10.1.0.0/33',
    '10.1.0.0/',
    '10.1.0.0/024',
    '10.1.0/24',
    '/24',
    '10.1.0.0/-1',
    '::/129',
    '::',
    '::/1e1',
  ]) {
    t.is(parsePrefix(text), undefined, text);
  }
});

test('containing, covering and overlapping agree, and families never mix', async (t) => {
  await fc.assert(
    fc.property(prefix, prefix, (a, b) => {
      t.is(prefixesOverlap(a, b), prefixesOverlap(b, a));
      t.is(prefixesOverlap(a, b), prefixCovers(a, b) || prefixCovers(b, a));
      t.is(prefixCovers(a, b), a.length <= b.length && prefixContains(a, { family: b.family, value: b.first }));
      if (a.family !== b.family) t.false(prefixesOverlap(a, b));
    }),
  );
  t.true(cidrContains('2001:db8::/32', '2001:DB8:0::1'));
  t.false(cidrContains('10.1.0.0/24', '10.1.1.0'));
  t.false(cidrContains('10.1.0.0/24', 'x'));
});

test('prefixes are ordered for people', (t) => {
  const texts = ['10.0.0.0/8', '10.0.0.0/24', '10.0.1.0/24', '::/0', '2001:db8::/32'];
  t.deepEqual(texts.map(of).toReversed().sort(comparePrefixes).map(formatPrefix), texts);
});

test('netmasks', (t) => {
  t.deepEqual([0, 1, 24, 31, 32].map(ipv4Mask), [0, 0x80000000, 0xffffff00, 0xfffffffe, 0xffffffff]);
});
