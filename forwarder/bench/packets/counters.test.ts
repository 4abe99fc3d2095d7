import test from 'ava';
import { bucketEnd, latency, parseCounters } from './counters.ts';

/** A file of the load with these u64 at these offsets. */
function file(words: Readonly<Record<number, number>>): Buffer {
  const bytes = Buffer.alloc(4096 + 4 * 8192);
  bytes.write('WLOAD001');
  for (const [offset, value] of Object.entries(words)) bytes.writeBigUInt64LE(BigInt(value), Number(offset));
  return bytes;
}

test('reads header and both ports', (t) => {
  const counters = parseCounters(file({ 8: 2_600_000_000, 24: 1, 256: 7, [256 + 8]: 5, [512 + 8]: 9, [512 + 14 * 8]: 3 }));
  t.is(counters?.tscHz, 2_600_000_000);
  t.true(counters?.steady);
  t.is(counters?.ports[0]?.received, 7);
  t.is(counters?.ports[0]?.sent, 5);
  t.is(counters?.ports[1]?.sent, 9);
  t.is(counters?.ports[1]?.handledBack, 3);
});

test('a file without the magic word or cut short is none yet', (t) => {
  t.is(parseCounters(Buffer.alloc(4096 + 4 * 8192)), undefined);
  t.is(parseCounters(file({}).subarray(0, 4096)), undefined);
});

test('buckets end where the next begin: one cycle each below 16, then 16 an octave', (t) => {
  t.is(bucketEnd(0), 1);
  t.is(bucketEnd(15), 16);
  t.is(bucketEnd(16), 17);
  t.is(bucketEnd(31), 32);
  t.is(bucketEnd(32), 34);
  t.is(bucketEnd(47), 64);
  t.is(bucketEnd(48), 68);
});

test('latency counts frames between two readings, of both ports', (t) => {
  const bucket = (port: number, index: number) => 4096 + 8192 * port + 8 * index;
  const before = parseCounters(file({ 8: 1_000_000, [bucket(1, 40)]: 50 }));
  const after = parseCounters(file({ 8: 1_000_000, [bucket(1, 40)]: 50, [bucket(1, 9)]: 98, [bucket(0, 15)]: 2 }));
  if (before === undefined || after === undefined) return t.fail();
  t.is(latency(before, after, 0.5), 10);
  t.is(latency(before, after, 0.99), 16);
  t.is(latency(after, after, 0.5), Number.NaN);
});
