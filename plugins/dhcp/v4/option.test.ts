import test from 'ava';
import { classlessRoutes, printable } from './option.ts';

// RFC 3442 "Classless Route Option Format", its table of examples.
const widths: readonly [prefix: string, encoded: string][] = [
  ['0.0.0.0/0', '00'],
  ['10.0.0.0/8', '080a'],
  ['10.0.0.0/24', '180a0000'],
  ['10.17.0.0/16', '100a11'],
  ['10.27.129.0/24', '180a1b81'],
  ['10.229.0.128/25', '190a e50080'.replace(' ', '')],
  ['10.198.122.47/32', '200ac67a2f'],
];
for (const [prefix, encoded] of widths) {
  test(`encodes route ${prefix}`, (t) => {
    t.is(classlessRoutes([{ prefix, nextHop: '10.1.0.1' }]).toString('hex'), `${encoded}0a010001`);
  });
}

test('clears bits beyond the prefix', (t) => {
  t.is(classlessRoutes([{ prefix: '10.1.255.255/12', nextHop: '0.0.0.0' }]).toString('hex'), '0c0a0000000000');
});

test('shows what a client says without its control characters', (t) => {
  t.is(printable(Buffer.from('udhcp 1.35\x1b[0m\n')), 'udhcp 1.35?[0m?');
  t.is(printable(Buffer.alloc(200, 'a')).length, 64);
  t.is(printable(undefined), '');
});
