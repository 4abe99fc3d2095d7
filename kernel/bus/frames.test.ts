import test from 'ava';
import { readError, readFrame } from './frames.ts';

const good = [
  { h: 'me', a: '' },
  { i: 1, m: 'ping', p: {}, d: 0 },
  { i: 1, r: null },
  { i: 1, s: 'item' },
  { i: 1, x: true },
  { i: 1, c: true },
  { i: 1, w: 64 },
  {
    i: 1,
    e: { code: 'CONFLICT', message: 'taken', fix: 'choose another', errors: [{ object: 'a', pointer: '/b', message: 'c', fix: 'd' }] },
  },
];
for (const frame of good) test(`takes ${JSON.stringify(frame)}`, (t) => t.deepEqual(readFrame(frame) as unknown, frame));

const bad: unknown[] = [
  ...[null, 7, 'text', [], {}],
  ...[{ h: 5, a: '' }, { h: 'x'.repeat(65), a: '' }, { h: 'x' }],
  ...[
    { m: 'ping', p: {}, d: 1 },
    { i: '1', r: 1 },
    { i: 0, r: 1 },
    { i: 1.5, r: 1 },
    { i: 1n, r: 1 },
  ],
  ...[
    { i: 1, m: 5, p: {}, d: 1 },
    { i: 1, m: 'ping', p: {} },
    { i: 1, m: 'ping', p: {}, d: -1 },
  ],
  ...[
    { i: 1, m: 'ping', p: {}, d: 2 ** 31 },
    { i: 1, m: 'ping', p: {}, d: Number.NaN },
  ],
  ...[{ i: 1, w: 0 }, { i: 1, w: 65 }, { i: 1, w: 1e15 }, { i: 1, w: -5 }, { i: 1, w: '64' }, { i: 1 }],
];
for (const [index, frame] of bad.entries())
  test(`refuses malformed frame ${index}`, (t) => void t.throws(() => readFrame(frame), { instanceOf: TypeError }));

test('whatever comes as an error becomes one', (t) => {
  const odd = { code: 'INTERNAL', message: 'an error without a message' } as const;
  for (const value of [null, undefined, 5, 'text', [], {}, { code: 'toString' }, { code: 7, message: [] }])
    t.deepEqual(readError(value), odd);
  const long = readError({ code: 'NOT_FOUND', message: 'x'.repeat(1e6), fix: 5, errors: [null, { message: 3 }] });
  t.is(long.code, 'NOT_FOUND');
  t.is(long.message.length, 4_096);
  t.deepEqual(
    long.errors,
    Array.from({ length: 2 }, () => ({ object: '', pointer: '', message: '', fix: '' })),
  );
});
