import type { Change } from '@weft/kernel/contract/system';
import { keyOf, type WeftObject } from '@weft/kernel/contract/system';
import test from 'ava';
import { admit } from './admission.ts';
import type { SecurityGroup } from './kinds.ts';
import { KnownGroups } from './known-groups.ts';
import { type GivenRule, group } from './test/world.ts';

function site(...committed: readonly SecurityGroup[]) {
  const known = new KnownGroups();
  for (const one of committed) known.note(undefined, one as unknown as WeftObject);
  const change = (after: SecurityGroup): Change => {
    const before = committed.find(({ metadata }) => metadata.name === after.metadata.name) ?? null;
    const { id: _id, ...none } = after.status;
    const given = { ...after, status: before?.status ?? none } as unknown as WeftObject;
    return { op: before === null ? 'create' : 'update', key: keyOf(after), before: before as unknown as WeftObject | null, after: given };
  };
  return {
    known,
    write: (...groups: readonly SecurityGroup[]) => admit({ revision: 1, dryRun: false, changes: groups.map(change) }, known),
  };
}

const rule = { direction: 'ingress', protocol: 'tcp', ports: 80 } as const;
const many = (count: number): GivenRule[] => Array.from({ length: count }, (_, index) => ({ ...rule, ports: index + 1 }));

test('a new group gets a number that none has had, and waits for the forwarder', (t) => {
  const { write, known } = site(group('web', 4), group('db', 2));
  const { patches, refusals } = write(group('a', 0, [rule, rule]), group('b', 0));
  t.deepEqual(refusals, []);
  t.deepEqual(
    patches.map(({ key, status }) => [key.name, status]),
    [
      ['a', { id: 5, phase: 'Pending', rules: 2 }],
      ['b', { id: 6, phase: 'Pending', rules: 0 }],
    ],
  );
  known.note(group('web', 4) as unknown as WeftObject, undefined);
  t.is(write(group('c', 0)).patches[0]?.status.id, 5);
});

test('other rules keep the number; what changes none of them is let alone', (t) => {
  const { write } = site(group('web', 4, [rule]));
  t.deepEqual(write(group('web', 0, [rule, { ...rule, ports: 443 }])).patches[0]?.status, { id: 4, phase: 'Pending', rules: 2 });
  t.deepEqual(write(group('web', 0, [rule])).patches, []);
});

test('numbers that groups had are given again once all others are', (t) => {
  const last = 2 ** 31 - 1;
  const { write } = site(group('a', last), group('b', 1), group('c', 3));
  t.deepEqual(
    write(group('d', 0), group('e', 0)).patches.map(({ status }) => status.id),
    [2, 4],
  );
});

test('each wrong rule is named, a hundred at most', (t) => {
  const { write } = site();
  const wrong = { direction: 'ingress', ports: 80 } as const;
  const { patches, refusals } = write(group('web', 0, [rule, wrong]), group('db', 0, [{ direction: 'egress', remote: {} }]));
  t.deepEqual(patches, []);
  t.deepEqual(
    refusals.map(({ object, pointer }) => `${object} ${pointer}`),
    ['SecurityGroup/default/web /spec/rules/1/ports', 'SecurityGroup/default/db /spec/rules/0/remote'],
  );
  t.is(write(group('web', 0, Array(200).fill(wrong))).refusals.length, 100);
});

test('more rules than the forwarder has room for are refused; fewer are always taken', (t) => {
  const full = Array.from({ length: 25 }, (_, index) => group(`g${index}`, index + 1, many(10_000)));
  const { write } = site(...full);
  t.is(write(group('g0', 0, many(9_999))).refusals.length, 0);
  const [refusal] = write(group('more', 0, many(1))).refusals;
  t.like(refusal, { object: 'SecurityGroup/default/more', pointer: '/spec/rules' });
  t.regex(refusal?.message ?? '', /500002 rules .*, at most 500000 fit/);
});
