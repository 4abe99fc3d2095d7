import test from 'ava';
import { nameOf, Upstreams } from './upstreams.ts';

const [a, b, c] = [1, 2, 3].map((last) => ({ address: `192.0.2.${last}`, port: 80 })) as [Endpoint, Endpoint, Endpoint];
type Endpoint = Parameters<Upstreams['of']>[0];

test('all are asked, in any order, while they answer', (t) => {
  const upstreams = new Upstreams(() => 0);
  const first = new Set(Array.from({ length: 100 }, () => upstreams.order([a, b, c])[0]));
  t.is(first.size, 3);
});

test('one that failed comes last while it rests, and rests longer each time, at most 30 s', (t) => {
  let now = 0;
  const upstreams = new Upstreams(
    () => now,
    () => 0,
  );
  const rests: number[] = [];
  for (let turn = 0; turn < 7; turn += 1) {
    upstreams.failed(a, 'refused');
    rests.push(upstreams.of(a).restsUntil - now);
    t.is(upstreams.order([a, b, c]).at(-1), a);
    now = upstreams.of(a).restsUntil;
    t.is(upstreams.order([a, b, c])[0], a, 'its rest is over');
  }
  t.deepEqual(rests, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  t.true(upstreams.answered(a));
  t.is(upstreams.of(a).failures, 0);
  t.false(upstreams.answered(a), 'it was up already');
});

test('when all rest, the one whose rest is over first comes first', (t) => {
  let now = 0;
  const upstreams = new Upstreams(() => now);
  for (const endpoint of [b, a, c]) {
    upstreams.failed(endpoint, 'refused');
    now += 100;
  }
  t.deepEqual(upstreams.order([a, b, c]), [b, a, c]);
});

test('an IPv6 address stands in brackets', (t) => {
  t.is(nameOf({ address: '2001:db8::1', port: 53 }), '[2001:db8::1]:53');
});
