import test from 'ava';
import { contains, formatIpv4, formatPrefix, isHost, overlaps, parseIpv4, parseIpv4Prefix, prefixOf } from './ipv4.ts';

test('addresses survive text and back', (t) => {
  for (const text of ['0.0.0.0', '10.1.0.255', '192.168.255.1', '255.255.255.255']) t.is(formatIpv4(parseIpv4(text) ?? -1), text);
});

test('refuses what is no dotted decimal', (t) => {
  for (const text of [
    '',
    '10.1.0',
    '10.1.0.256',
    '10.1.0.01',
    '10.1.0.1/24',
    ' 10.1.0.1',
    '10.1..1',
    '0x0a.1.0.1',
    '1e1.0.0.1',
    '::1',
    '10.1.0.1.',
  ]) {
    t.is(parseIpv4(text), undefined, text);
  }
});

test('a prefix knows its first and last address', (t) => {
  t.deepEqual(prefixOf(parseIpv4('10.1.2.3') ?? 0, 24), { first: 0x0a010200, last: 0x0a0102ff, length: 24 });
  t.deepEqual(prefixOf(0xffff_ffff, 0), { first: 0, last: 0xffff_ffff, length: 0 });
  t.deepEqual(prefixOf(0xffff_ffff, 32), { first: 0xffff_ffff, last: 0xffff_ffff, length: 32 });
});

test('tells canonical prefixes from others', (t) => {
  t.true(parseIpv4Prefix('10.1.0.0/24')?.canonical);
  const other = parseIpv4Prefix('10.1.0.7/24');
  t.false(other?.canonical);
  t.is(other && formatPrefix(other.prefix), '10.1.0.0/24');
  for (const text of ['10.1.0.0', '10.1.0.0/33', '10.1.0.0/', '10.1.0.0/024', '10.1.0/24', '/24', '10.1.0.0/-1']) {
    t.is(parseIpv4Prefix(text), undefined, text);
  }
});

test('hosts are neither network nor broadcast address', (t) => {
  const prefix = prefixOf(parseIpv4('10.1.0.0') ?? 0, 30);
  t.deepEqual(
    [0, 1, 2, 3, 4].map((offset) => isHost(prefix, prefix.first + offset)),
    [false, true, true, false, false],
  );
  t.true(contains(prefix, prefix.last));
});

test('overlap is symmetric and includes containment', (t) => {
  const of = (text: string) => parseIpv4Prefix(text)?.prefix ?? prefixOf(0, 0);
  t.true(overlaps(of('10.0.0.0/8'), of('10.1.0.0/24')));
  t.true(overlaps(of('10.1.0.0/24'), of('10.0.0.0/8')));
  t.false(overlaps(of('10.1.0.0/24'), of('10.1.1.0/24')));
});
