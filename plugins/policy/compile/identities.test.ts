import { identityRange } from '@weft/kernel/contract/net';
import test from 'ava';
import { Identities } from './identities.ts';

const of = (...groups: number[]) => groups.map((group) => ({ group, gate: 1 }));
const number = (identities: Identities, ...groups: number[]) => identities.take(of(...groups))?.identity.number;

test('equal sets of groups share a number, whatever their order', (t) => {
  const identities = new Identities();
  const first = identities.take(of(3, 5));
  const second = identities.take(of(5, 3));
  t.true(first?.isNew);
  t.false(second?.isNew);
  t.is(first?.identity.number, identityRange.least);
  t.is(second?.identity, first?.identity);
  t.is(number(identities, 3), identityRange.least + 1);
  t.is(number(identities), identityRange.least + 2);
  t.is(identities.size, 3);
  t.is(identities.rows, 3);
});

test('an identity goes with its last port', (t) => {
  const identities = new Identities();
  const { identity } = identities.take(of(1)) ?? t.fail();
  identities.take(of(1));
  t.false(identities.release(identity));
  t.true(identities.release(identity));
  t.is(identities.size, 0);
  t.is(identities.rows, 0);
});

test('a number that was given back waits behind all that never were, and then behind those given back before it', (t) => {
  const identities = new Identities();
  const all = identityRange.most - identityRange.least + 1;
  const taken = Array.from({ length: 3 }, (_, index) => identities.take(of(index + 1))?.identity ?? t.fail());
  for (const index of [1, 0]) identities.release(taken[index] ?? t.fail());
  for (let more = 3; more < all; more += 1) t.false(taken.some((one) => one.number === number(identities, more + 1)));
  t.is(number(identities, 100_000), taken[1]?.number);
  t.is(number(identities, 100_001), taken[0]?.number);
  t.is(number(identities, 100_002), undefined);
});

test('what the forwarder has stays: the same groups keep their number, others get new ones', (t) => {
  const row = (identity: number, group: number) => ({ table: 'identity_group', identity, group, gate: 1 }) as const;
  const identities = new Identities([row(20, 1), row(20, 2), row(30, 3), row(40, 3)], [{ table: 'port_identity', port: 1, identity: 25 }]);
  t.is(number(identities, 2, 1), 20);
  t.is(number(identities, 3), 30);
  t.is(number(identities), 25);
  t.is(number(identities, 9), 41);
  identities.forget();
  t.is(number(identities, 4), 42);
});

test('what nobody asks for again is given out last', (t) => {
  const most = identityRange.most;
  const identities = new Identities([{ table: 'identity_group', identity: most, group: 1, gate: 1 }]);
  identities.forget();
  const numbers = new Set(Array.from({ length: most - identityRange.least }, (_, index) => number(identities, index + 2)));
  t.false(numbers.has(undefined));
  t.false(numbers.has(most));
  t.is(number(identities, 1), most);
});
