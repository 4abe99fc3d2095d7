import test from 'ava';
import { a, record, soa } from '../test/pretended-upstreams.ts';
import type { Resolution } from '../zone/authority.ts';
import { Cache, type CacheSettings } from './cache.ts';

const settings: CacheSettings = {
  ...{ entries: 3, bytes: 100_000, minSeconds: 5, maxSeconds: 100, maxNegativeSeconds: 30, staleSeconds: 60, failureSeconds: 4 },
};
const resolution = (more: Partial<Resolution>): Resolution => ({
  ...{ rcode: 0, authoritative: false, answers: [], authorities: [], authenticData: false, truncated: false },
  ...more,
});
const answer = (ttl: number) => a('www.example.com', ttl);
const fresh = (cache: Cache, key: string, nowMs: number) => cache.find(key, nowMs)?.fresh(nowMs);

/** Seconds that the resolution stays, up to 200. */
function lifetime(kept: Resolution): number {
  const cache = new Cache(settings);
  cache.put('k', 'red', kept, 0);
  let seconds = 0;
  while (seconds < 200 && fresh(cache, 'k', seconds * 1000) !== undefined) seconds += 1;
  return seconds;
}

const lifetimes: readonly [name: string, kept: Resolution, seconds: number][] = [
  ['an answer lives for its TTL', resolution({ answers: [answer(20)] }), 20],
  ['the shortest TTL counts', resolution({ answers: [answer(50), answer(20)] }), 20],
  ['a short TTL is raised to the least', resolution({ answers: [answer(0)] }), 5],
  ['a long TTL is cut to the most', resolution({ answers: [answer(5000)] }), 100],
  ['a TTL with its highest bit set counts as zero', resolution({ answers: [answer(0xffffffff)] }), 5],
  ['NXDOMAIN lives for the SOA minimum', resolution({ rcode: 3, authorities: [soa('com', 25, 12)] }), 12],
  ['NODATA lives for the SOA TTL when that is less', resolution({ authorities: [soa('com', 7, 12)] }), 7],
  ['a negative answer is cut to its own most', resolution({ rcode: 3, authorities: [soa('com', 600, 600)] }), 30],
  ['a negative answer without SOA is not kept', resolution({ rcode: 3 }), 0],
  [
    'an alias that leads to no data lives no longer than that',
    resolution({ answers: [answer(50)], authorities: [soa('com', 25, 12)] }),
    12,
  ],
  [
    'an alias that leads nowhere lives no longer than itself',
    resolution({ rcode: 3, answers: [answer(7)], authorities: [soa('com', 25, 12)] }),
    7,
  ],
  ['SERVFAIL is not kept', resolution({ rcode: 2 }), 0],
  ['a truncated answer is not kept', resolution({ answers: [answer(20)], truncated: true }), 0],
];
for (const [title, kept, seconds] of lifetimes) test(title, (t) => t.is(lifetime(kept), seconds));

test('the time to live that is told runs down', (t) => {
  const cache = new Cache(settings);
  t.is(cache.put('k', 'red', resolution({ answers: [answer(20), answer(5000)] }), 0).answers[1]?.ttl, 100);
  t.deepEqual(
    fresh(cache, 'k', 7999)?.answers.map(({ ttl }) => ttl),
    [13, 93],
  );
  t.is(fresh(cache, 'k', 7000), fresh(cache, 'k', 7500), 'the same object for a second');
  cache.put('n', 'red', resolution({ rcode: 3, authorities: [soa('com', 600, 600)] }), 0);
  t.is(fresh(cache, 'n', 10_000)?.authorities[0]?.ttl, 20);
});

test('what ended is kept for a while, and says so', (t) => {
  const cache = new Cache(settings);
  cache.put('k', 'red', resolution({ answers: [answer(20)] }), 0);
  const entry = cache.find('k', 79_000);
  t.is(entry?.fresh(79_000), undefined);
  t.is(cache.stale(entry, 79_000)?.answers[0]?.ttl, 30);
  t.is(cache.stale(entry, 80_000), undefined);
  const never = new Cache({ ...settings, staleSeconds: 0 });
  never.put('k', 'red', resolution({ answers: [answer(20)] }), 0);
  t.is(never.stale(never.find('k', 20_000), 20_000), undefined);
});

test('holds no more than it may; the least recently used goes first', (t) => {
  const cache = new Cache(settings);
  for (const key of ['a', 'b', 'c']) cache.put(key, 'red', resolution({ answers: [answer(20)] }), 0);
  cache.find('a', 1000);
  cache.put('d', 'red', resolution({ answers: [answer(20)] }), 0);
  t.is(cache.size, 3);
  t.is(cache.find('b', 1000), undefined);
  t.truthy(cache.find('a', 1000));
});

test('holds no more bytes than it may, and nothing that is larger than all of it', (t) => {
  const cache = new Cache({ ...settings, entries: 1000, bytes: 10_000 });
  const large = (bytes: number) => resolution({ answers: [record('www.example', 16, 20, Buffer.alloc(bytes))] });
  for (let index = 0; index < 100; index += 1) {
    cache.put(String(index), 'red', large(1000), 0);
    t.true(cache.bytes <= 10_000);
  }
  t.true(cache.size >= 4);
  cache.put('x', 'red', large(20_000), 0);
  t.is(cache.find('x', 0), undefined);
  t.true(cache.size >= 4, 'and drives nothing out');
});

test('a network that stores much drives out its own answers, not those of others', (t) => {
  const cache = new Cache({ ...settings, entries: 100, bytes: 10_000_000 });
  for (let index = 0; index < 30; index += 1) cache.put(`blue${index}`, 'blue', resolution({ answers: [answer(20)] }), 0);
  for (let index = 0; index < 1000; index += 1) cache.put(`red${index}`, 'red', resolution({ answers: [answer(20)] }), 0);
  t.is(cache.size, 100);
  for (let index = 0; index < 30; index += 1) t.truthy(cache.find(`blue${index}`, 0));
  for (let index = 0; index < 33; index += 1) cache.put(`green${index}`, 'green', resolution({ answers: [answer(20)] }), 0);
  for (let index = 0; index < 30; index += 1) t.truthy(cache.find(`blue${index}`, 0), 'the largest share gives way');
  t.truthy(cache.find('green0', 0));
});

test('the bytes of shares add up', (t) => {
  const cache = new Cache({ ...settings, entries: 5 });
  for (let index = 0; index < 300; index += 1) {
    const key = String(index % 9);
    const kept = index % 4 === 0 ? resolution({ rcode: 3 }) : resolution({ answers: [answer(20)] });
    cache.put(key, index % 2 === 0 ? 'red' : 'blue', kept, index);
    if (index % 7 === 0) cache.fail(key, 'red', index);
  }
  for (let index = 0; index < 9; index += 1) cache.put(String(index), 'red', resolution({ rcode: 3 }), 300);
  t.is(cache.size, 0);
  t.is(cache.bytes, 0);
});

test('keeps no memory that it was given', (t) => {
  const cache = new Cache(settings);
  const data = Buffer.from([192, 0, 2, 1]);
  cache.put('k', 'red', resolution({ answers: [record('www.example', 1, 20, data)] }), 0);
  data.fill(0);
  const kept = fresh(cache, 'k', 0)?.answers[0]?.data;
  t.deepEqual([...(kept ?? [])], [192, 0, 2, 1]);
  t.is(kept?.buffer.byteLength, 4);
});

test('failures are remembered apart from answers, for seconds', (t) => {
  const cache = new Cache(settings);
  cache.fail('k', 'red', 0);
  t.true(cache.isFailing(cache.find('k', 999), 999));
  t.false(cache.isFailing(cache.find('k', 1000), 1000));
  cache.fail('k', 'red', 1000);
  t.true(cache.isFailing(cache.find('k', 2999), 2999), 'longer each time');
  for (let index = 0; index < 50; index += 1) cache.fail('k', 'red', 3000);
  t.false(cache.isFailing(cache.find('k', 7000), 7000), 'as long as the setting says');
  cache.put('k', 'red', resolution({ answers: [answer(20)] }), 7000);
  t.false(cache.isFailing(cache.find('k', 7000), 7000));
  t.is(cache.stale(cache.find('none', 0), 0), undefined);
});

test('an upstream that came back ends all failures', (t) => {
  const cache = new Cache(settings);
  cache.fail('k', 'red', 0);
  cache.forgetFailures();
  t.false(cache.isFailing(cache.find('k', 0), 0));
});

test('keeps nothing when it may not', (t) => {
  const cache = new Cache({ ...settings, entries: 0 });
  cache.put('k', 'red', resolution({ answers: [answer(20)] }), 0);
  cache.fail('f', 'red', 0);
  t.is(cache.size, 0);
});
