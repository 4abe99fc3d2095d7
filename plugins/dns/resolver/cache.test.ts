import test from 'ava';
import { soaData } from '../message/rdata.ts';
import type { Resolution } from '../zone/authority.ts';
import { Cache } from './cache.ts';

const settings = { entries: 3, minSeconds: 5, maxSeconds: 100, maxNegativeSeconds: 30 };
const name = ['www', 'example', 'com'];
const record = (ttl: number) => ({ name, type: 1, class: 1, ttl, data: Buffer.from([10, 1, 0, 11]) });
const soa = (ttl: number, minimumSeconds: number) => ({
  ...{ name: ['com'], type: 6, class: 1, ttl },
  data: soaData({ primary: [], mailbox: [], serial: 1, refreshSeconds: 1, retrySeconds: 1, expireSeconds: 1, minimumSeconds }),
});
const resolution = (more: Partial<Resolution>): Resolution => ({
  ...{ rcode: 0, authoritative: false, answers: [], authorities: [], authenticData: false, truncated: false },
  ...more,
});

/** Seconds that the resolution stays, up to 200. */
function lifetime(kept: Resolution): number {
  const cache = new Cache(settings);
  cache.put('k', kept, 0);
  let seconds = 0;
  while (seconds < 200 && cache.get('k', seconds * 1000) !== undefined) seconds += 1;
  return seconds;
}

const lifetimes: readonly [name: string, kept: Resolution, seconds: number][] = [
  ['an answer lives for its TTL', resolution({ answers: [record(20)] }), 20],
  ['the shortest TTL counts', resolution({ answers: [record(50), record(20)] }), 20],
  ['a short TTL is raised to the least', resolution({ answers: [record(0)] }), 5],
  ['a long TTL is cut to the most', resolution({ answers: [record(5000)] }), 100],
  ['a TTL with its highest bit set counts as zero', resolution({ answers: [record(0xffffffff)] }), 5],
  ['NXDOMAIN lives for the SOA minimum', resolution({ rcode: 3, authorities: [soa(25, 12)] }), 12],
  ['NODATA lives for the SOA TTL when that is less', resolution({ authorities: [soa(7, 12)] }), 7],
  ['a negative answer is cut to its own most', resolution({ rcode: 3, authorities: [soa(600, 600)] }), 30],
  ['a negative answer without SOA is not kept', resolution({ rcode: 3 }), 0],
  ['an alias that leads to no data lives no longer than that', resolution({ answers: [record(50)], authorities: [soa(25, 12)] }), 12],
  [
    'an alias that leads nowhere lives no longer than itself',
    resolution({ rcode: 3, answers: [record(7)], authorities: [soa(25, 12)] }),
    7,
  ],
  ['SERVFAIL is not kept', resolution({ rcode: 2 }), 0],
  ['a truncated answer is not kept', resolution({ answers: [record(20)], truncated: true }), 0],
];
for (const [title, kept, seconds] of lifetimes) test(title, (t) => t.is(lifetime(kept), seconds));

test('the time to live that is told runs down', (t) => {
  const cache = new Cache(settings);
  t.is(cache.put('k', resolution({ answers: [record(20), record(5000)] }), 0).answers[1]?.ttl, 100);
  t.deepEqual(
    cache.get('k', 7999)?.answers.map((answer) => answer.ttl),
    [13, 93],
  );
  cache.put('n', resolution({ rcode: 3, authorities: [soa(600, 600)] }), 0);
  t.is(cache.get('n', 10_000)?.authorities[0]?.ttl, 20);
});

test('holds no more than it may; the least recently used goes first', (t) => {
  const cache = new Cache(settings);
  for (const key of ['a', 'b', 'c']) cache.put(key, resolution({ answers: [record(20)] }), 0);
  cache.get('a', 1000);
  cache.put('d', resolution({ answers: [record(20)] }), 0);
  t.is(cache.size, 3);
  t.is(cache.get('b', 1000), undefined);
  t.truthy(cache.get('a', 1000));
});

test('a clock that goes back empties rather than prolongs', (t) => {
  const cache = new Cache(settings);
  cache.put('k', resolution({ answers: [record(20)] }), 10_000);
  t.is(cache.get('k', 0), undefined);
});
