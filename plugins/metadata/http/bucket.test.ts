import test from 'ava';
import { Bucket } from './bucket.ts';

test('gives a burst, then the rate, and never more than the burst after a pause', (t) => {
  const bucket = new Bucket(10, 3, 0);
  const taken = (now: number, wanted: number) => Array.from({ length: wanted }, () => bucket.take(now)).filter(Boolean).length;
  t.is(taken(0, 5), 3);
  t.is(taken(100, 5), 1);
  t.is(taken(350, 5), 2);
  t.is(taken(60_000, 5), 3);
});

test('a clock that stands still or goes back gives nothing', (t) => {
  const bucket = new Bucket(1000, 1, 50);
  t.true(bucket.take(50));
  t.false(bucket.take(50));
  t.false(bucket.take(0));
});
