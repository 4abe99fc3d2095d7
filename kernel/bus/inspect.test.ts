import test from 'ava';
import { decodeStrange, encode } from './codec.ts';
import { inspect } from './inspect.ts';

const bytes = (...values: number[]): Buffer => Buffer.from(values);

const good: [string, unknown][] = [
  ['numbers', [0, -1, 127, 128, -33, 65_536, 2 ** 40, -(2 ** 40), 1.5, 2n ** 60n, 2n ** 70n]],
  ['texts', ['', 'short', 'x'.repeat(40), 'x'.repeat(300), 'x'.repeat(70_000)]],
  ['bytes', [Buffer.alloc(3), Buffer.alloc(300), Buffer.alloc(70_000)]],
  ['lists', [[], Array.from({ length: 20 }, () => null), Array.from({ length: 70_000 }, () => true)]],
  ['a large map', Object.fromEntries(Array.from({ length: 70_000 }, (_, index) => [`k${index}`, false]))],
  ['a map with an undefined field', { i: 1, m: 'ping', p: { a: undefined }, d: 5 }],
];
for (const [name, value] of good) test(`lets through what Weft encodes: ${name}`, (t) => t.deepEqual(decodeStrange(encode(value)), value));

const bad: [string, Buffer, RegExp][] = [
  ['nothing', bytes(), /cut short/],
  ['a list of four thousand million values', bytes(0xdd, 0xff, 0xff, 0xff, 0xff), /cut short/],
  ['a map of as many', bytes(0xdf, 0xff, 0xff, 0xff, 0xff), /cut short/],
  ['a text longer than the message', bytes(0xdb, 0x7f, 0xff, 0xff, 0xff, 0x61), /cut short/],
  ['lists in lists without an end', Buffer.alloc(100_000, 0x91), /nested deeper/],
  ['a code that is never used', bytes(0xc1), /no value begins/],
  ['a second value', bytes(0x01, 0x02), /1 bytes follow/],
  ['a record definition, which makes the decoder write code', bytes(0xd4, 0x72, 0x40), /extension of type 114/],
  ['a regular expression', bytes(0xc7, 0x01, 0x78, 0x61), /extension of type 120/],
];
for (const [name, message, reason] of bad) test(`refuses ${name}`, (t) => void t.throws(() => inspect(message), { message: reason }));

test('refuses more values than any message has, however small each is', (t) => {
  const list = Buffer.alloc(5 + 9_000_000, 0xc0);
  list.writeUInt8(0xdd, 0);
  list.writeUInt32BE(9_000_000, 1);
  t.throws(() => inspect(list), { message: /more than 8000000 values/ });
});
