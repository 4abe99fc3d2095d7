import test from 'ava';
import { RateLimit } from './rate-limit.ts';

test('gives the burst at once, then so many per second', (t) => {
  const limit = new RateLimit(125, 5);
  for (let count = 0; count < 5; count += 1) t.is(limit.take(1, 1000), 0);
  t.is(limit.take(1, 1000), 8);
  t.is(limit.take(1, 1004), 4);
  t.is(limit.take(1, 1008), 0);
  t.true(limit.take(1, 1008) > 0);
});

test('ports do not share', (t) => {
  const limit = new RateLimit(1, 1);
  t.is(limit.take(1, 0), 0);
  t.true(limit.take(1, 0) > 0);
  t.is(limit.take(2, 0), 0);
});

test('a bucket holds no more than the burst', (t) => {
  const limit = new RateLimit(1000, 3);
  limit.take(1, 0);
  const given = Array.from({ length: 5 }, () => limit.take(1, 3_600_000));
  t.deepEqual(
    given.map((wait) => wait === 0),
    [true, true, true, false, false],
  );
});

test('0 is no limit', (t) => {
  const limit = new RateLimit(0, 1);
  t.true(Array.from({ length: 1000 }, () => limit.take(1, 0)).every((wait) => wait === 0));
  t.is(limit.size, 0);
});

test('forgets ports that ask no more', (t) => {
  const limit = new RateLimit(1000, 10);
  for (let port = 0; port < 100_000; port += 1) limit.take(port, port);
  t.true(limit.size <= 8192, `${limit.size}`);
  t.is(limit.take(0, 100_000), 0);
});

test('what costs more leaves less', (t) => {
  const limit = new RateLimit(1000, 10);
  t.is(limit.take(1, 0), 0);
  limit.charge(1, 51, 0);
  t.is(limit.take(1, 0), 43);
  t.is(limit.take(1, 43), 0);
  limit.charge(2, 0, 0);
  t.is(limit.size, 1);
});

test('beyond the rate every second question of a port is put off, whoever else asks', (t) => {
  const limit = new RateLimit(1, 1);
  const put: boolean[] = [];
  for (let count = 0; count < 6; count += 1) {
    put.push(limit.putsOff(1, 0));
    limit.putsOff(2, 0);
  }
  t.deepEqual(put, [false, true, false, true, false, true]);
});

test('time that goes backwards gives nothing', (t) => {
  const limit = new RateLimit(1000, 1);
  t.is(limit.take(1, 1000), 0);
  t.is(limit.take(1, 0), 1);
});
