import { identityRange, type Port, type Row, type RowKey, rowId } from '@weft/kernel/contract/net';
import { keyOf, type ObjectKey } from '@weft/kernel/contract/system';
import test from 'ava';
import fc from 'fast-check';
import type { SecurityGroup } from '../kinds.ts';
import { contentKey } from '../rule.ts';
import { type GivenRule, group, key, Objects, port } from '../test/world.ts';
import { Compiler } from './compiler.ts';

const tcp = (ports: number, remote?: GivenRule['remote']): GivenRule => ({
  direction: 'ingress',
  protocol: 'tcp',
  ports,
  remote: remote ?? { cidr: '0.0.0.0/0' },
});

/** A forwarder: rows as the compiler's changes leave them. */
class Site {
  readonly objects = new Objects();
  readonly rows = new Map<string, Row>();
  compiler = new Compiler(this.objects);

  /** Rows that came or changed, and rows that went. */
  update(changed: readonly ObjectKey[]): { readonly upserts: readonly Row[]; readonly deletes: readonly RowKey[] } {
    const change = this.compiler.update(changed);
    const kept = new Set(change.upserts.map(rowId));
    const deletes = change.deletes.filter((row) => !kept.has(rowId(row as Row)));
    for (const row of deletes) this.rows.delete(rowId(row as Row));
    for (const row of change.upserts) this.rows.set(rowId(row), row);
    return { upserts: change.upserts, deletes };
  }

  put(...objects: readonly (Port | SecurityGroup)[]) {
    return this.update(this.objects.put(...objects));
  }

  remove(...keys: ObjectKey[]) {
    return this.update(this.objects.remove(...keys));
  }

  of<Name extends Row['table']>(table: Name): Extract<Row, { table: Name }>[] {
    return [...this.rows.values()].filter((row): row is Extract<Row, { table: Name }> => row.table === table);
  }

  /** Groups of a port by number, as the rows say; undefined: it has no identity. */
  groupsOf(id: number): readonly number[] | undefined {
    const identity = this.of('port_identity').find((row) => row.port === id)?.identity;
    if (identity === undefined) return undefined;
    return this.of('identity_group')
      .filter((row) => row.identity === identity)
      .map((row) => row.group)
      .sort();
  }

  rulesOf(number: number) {
    return this.of('rule').filter((row) => row.group === number);
  }
}

const byId = (rows: Iterable<Row>) => Object.fromEntries([...rows].map((row) => [rowId(row), row]).sort());

test('a port has the identity of its groups, and one that is open none', (t) => {
  const site = new Site();
  site.put(group('web', 1), group('db', 2), port('a', 11, ['web', 'db']), port('b', 12, ['db', 'web', 'db']));
  site.put(port('open', 13, undefined, { portSecurity: false }), port('strict', 14, ['web'], { portSecurity: false }));
  t.deepEqual(site.groupsOf(11), [1, 2]);
  t.is(site.of('port_identity')[0]?.identity, site.of('port_identity')[1]?.identity);
  t.is(site.groupsOf(13), undefined);
  t.deepEqual(site.groupsOf(14), [1]);
  t.true(site.of('identity_group').every(({ gate }) => gate === 1));
});

test('a port without groups follows the group default of its project, with or without the object', (t) => {
  const site = new Site();
  site.put(port('a', 11), port('b', 12, []), port('x/c', 13));
  const [implied] = site.groupsOf(11) ?? [];
  t.true(implied !== undefined && implied >= 2 ** 31);
  t.deepEqual(site.groupsOf(12), [implied]);
  t.notDeepEqual(site.groupsOf(13), [implied]);
  const usual = site.rulesOf(implied ?? 0).map(({ direction, remoteGroup, address }) => [direction, remoteGroup, address].join(' '));
  t.deepEqual(usual, ['1 0 0.0.0.0', '1 0 ::', `0 ${implied} 0.0.0.0`, `0 ${implied} ::`]);
  site.put(group('default', 5, [tcp(22)]));
  t.deepEqual([site.groupsOf(11), site.groupsOf(12)], [[5], [5]]);
  t.deepEqual(site.rulesOf(implied ?? 0), []);
  t.is(site.rulesOf(5).length, 1);
  site.remove(key('SecurityGroup', 'default'));
  t.is(site.rulesOf(site.groupsOf(11)?.[0] ?? 0).length, 4);
  site.remove(key('Port', 'a'), key('Port', 'b'), key('Port', 'x/c'));
  t.is(site.rows.size, 0);
});

test('a rule may name the group default before it is an object', (t) => {
  const site = new Site();
  site.put(group('web', 1, [tcp(80, { group: 'default' })]));
  const implied = site.rulesOf(1)[0]?.remoteGroup ?? 0;
  t.true(implied >= 2 ** 31);
  site.put(group('default', 2));
  t.deepEqual(new Set(site.rulesOf(1).map(({ remoteGroup }) => remoteGroup)), new Set([2]));
  site.put(group('web', 1));
  site.remove(key('SecurityGroup', 'default'));
  t.is(site.rows.size, 0);
});

test('what a port that comes and goes costs: its row, and those of a new identity', (t) => {
  const site = new Site();
  site.put(group('web', 1, [tcp(80)]), group('db', 2, [tcp(81, { group: 'web' })]), port('a', 11, ['web']));
  t.like(site.put(port('b', 12, ['web'])), { upserts: { length: 1 }, deletes: { length: 0 } });
  t.like(site.put(port('c', 13, ['web', 'db'])), { upserts: { length: 3 }, deletes: { length: 0 } });
  t.like(site.put(port('c', 13, ['web'])), { upserts: { length: 1 }, deletes: { length: 2 } });
  t.like(site.remove(key('Port', 'b')), { upserts: { length: 0 }, deletes: { length: 1 } });
  t.like(site.put(port('a', 11, ['web'])), { upserts: { length: 0 }, deletes: { length: 0 } });
});

test('a rule that comes, goes or moves costs its own rows; the others keep their numbers', (t) => {
  const site = new Site();
  site.put(group('web', 1, [tcp(80), tcp(81), tcp(82)]));
  const numbers = () => Object.fromEntries(site.rulesOf(1).map((row) => [row.portMin, row.number]));
  t.deepEqual(numbers(), { 80: 0, 81: 1, 82: 2 });
  t.like(site.put(group('web', 1, [tcp(82), tcp(80), tcp(83)])), { upserts: { length: 1 }, deletes: { length: 1 } });
  t.deepEqual(numbers(), { 80: 0, 82: 2, 83: 3 });
  t.like(site.put(group('web', 1, [tcp(82), tcp(80), tcp(83), tcp(80)])), { upserts: { length: 0 }, deletes: { length: 0 } });
});

test('a group that is gone by force counts for nothing: its ports are closed, its members nobody', (t) => {
  const site = new Site();
  site.put(group('web', 1, [tcp(80)]), group('db', 2, [tcp(81, { group: 'web' })]), port('a', 11, ['web']), port('b', 12, ['web', 'db']));
  site.remove(key('SecurityGroup', 'web'));
  t.deepEqual(site.groupsOf(11), []);
  t.deepEqual(site.groupsOf(12), [2]);
  t.deepEqual(site.rulesOf(1), []);
  t.deepEqual(site.rulesOf(2), []);
  site.put(group('web', 3, [tcp(80)]));
  t.deepEqual(site.groupsOf(11), [3]);
  t.is(site.rulesOf(2)[0]?.remoteGroup, 3);
});

test('groups of other projects are named with their project', (t) => {
  const site = new Site();
  site.put(group('ops/jump', 1), group('web', 2, [tcp(22, { group: 'ops/jump' })]), port('a', 11, ['web', 'ops/jump']));
  t.deepEqual(site.groupsOf(11), [1, 2]);
  t.is(site.rulesOf(2)[0]?.remoteGroup, 1);
});

test('a port takes over the number of one that goes in the same change', (t) => {
  const site = new Site();
  site.put(group('web', 1), group('db', 2), port('b', 12, ['db']), port('a', 11, ['web']));
  for (const order of [
    ['a', 'b'],
    ['b', 'a'],
  ]) {
    site.objects.remove(key('Port', 'a'));
    site.objects.put(port('b', 11, ['db']));
    site.update(order.map((name) => key('Port', name)));
    t.deepEqual(site.groupsOf(11), [2]);
    t.is(site.of('port_identity').length, 1);
    site.put(port('b', 12, ['db']), port('a', 11, ['web']));
  }
});

test('after a restart everything keeps its number, and nothing is sent', (t) => {
  const site = new Site();
  site.put(
    port('a', 11, ['web']),
    port('c', 13, ['web', 'db']),
    port('b', 12, ['db']),
    group('web', 1, [tcp(80), tcp(81)]),
    group('db', 2, [tcp(82)]),
  );
  site.put(group('web', 1, [tcp(83), tcp(81)]));
  site.remove(key('Port', 'a'));
  const known = { rules: site.of('rule'), groups: site.of('identity_group'), ports: site.of('port_identity') };
  const again = new Compiler(site.objects, known);
  t.deepEqual(byId(again.begin(site.objects.keys())), byId(site.rows.values()));
});

test('ports that find no identity are closed, and get one once there is room', (t) => {
  const site = new Site();
  const room = identityRange.most - identityRange.least + 1;
  site.update(Array.from({ length: 400 }, (_, index) => site.objects.put(group(`g${index}`, index + 1))).flat());
  const pairs = Array.from({ length: 400 }, (_, a) => Array.from({ length: a }, (_unused, b) => [`g${a}`, `g${b}`])).flat();
  site.update(pairs.slice(0, room + 1).flatMap((pair, index) => site.objects.put(port(`p${index}`, index + 1, pair))));
  t.is(site.compiler.waiting, 1);
  t.is(site.groupsOf(room + 1), undefined);
  site.remove(key('Port', 'p7'));
  t.is(site.compiler.waiting, 0);
  t.is(site.groupsOf(room + 1)?.length, 2);
});

const name = fc.constantFrom('web', 'db', 'default', 'x/default', 'x/ops');
const change = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant('port' as const),
      id: fc.integer({ min: 1, max: 6 }),
      groups: fc.option(fc.array(name, { maxLength: 3 }), { nil: undefined }),
      open: fc.boolean(),
    }),
  },
  fc.record({ what: fc.constant('no port' as const), id: fc.integer({ min: 1, max: 6 }) }),
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant('group' as const),
      name,
      rules: fc.array(fc.record({ ports: fc.integer({ min: 1, max: 4 }), group: fc.option(name, { nil: undefined }) }), { maxLength: 4 }),
    }),
  },
  fc.record({ what: fc.constant('no group' as const), name }),
);

/** What rows mean, without the numbers of rules, identities and implied groups. */
function meaningOf(compiler: Compiler, rows: Iterable<Row>) {
  const named = new Map(
    ['web', 'db', 'default', 'x/default', 'x/ops']
      .map((each) => (each.includes('/') ? each : `default/${each}`))
      .map((each) => [compiler.numberOf(each), each]),
  );
  const label = (number: number) => (number === 0 ? 'any' : (named.get(number) ?? `unknown ${number}`));
  const all = [...rows];
  const rules = all.flatMap((row) =>
    row.table === 'rule' ? [`${label(row.group)}: ${label(row.remoteGroup)} ${contentKey({ ...row, remoteGroup: 0 })}`] : [],
  );
  const ports = all.flatMap((row) => {
    if (row.table !== 'port_identity') return [];
    const groups = all.flatMap((member) =>
      member.table === 'identity_group' && member.identity === row.identity ? [label(member.group)] : [],
    );
    return [`${row.port}: ${groups.sort().join(' ')}`];
  });
  return {
    rules: rules.sort(),
    ports: ports.sort(),
    identities: new Set(all.flatMap((row) => (row.table === 'identity_group' ? [row.identity] : []))).size,
  };
}

test('many small changes end where one large one does', (t) => {
  fc.assert(
    fc.property(fc.array(fc.array(change, { minLength: 1, maxLength: 3 }), { maxLength: 12 }), (batches) => {
      const site = new Site();
      let numbers = 0;
      for (const batch of batches) {
        const keys = batch.map((one) => {
          if (one.what === 'port') {
            const object = port(`p${one.id}`, one.id, one.groups, { portSecurity: !one.open });
            return site.objects.put(object)[0] ?? keyOf(object);
          }
          if (one.what === 'no port') return site.objects.remove(key('Port', `p${one.id}`))[0] ?? t.fail();
          if (one.what === 'no group') return site.objects.remove(key('SecurityGroup', one.name))[0] ?? t.fail();
          const known = site.objects.get<ReturnType<typeof group>>(key('SecurityGroup', one.name));
          const rules = one.rules.map((rule) => tcp(rule.ports, rule.group === undefined ? undefined : { group: rule.group }));
          return site.objects.put(group(one.name, known?.status.id ?? ++numbers, rules))[0] ?? t.fail();
        });
        site.update(keys);
        const anew = new Compiler(site.objects);
        t.deepEqual(meaningOf(site.compiler, site.rows.values()), meaningOf(anew, anew.begin(site.objects.keys())));
        t.deepEqual(byId(site.compiler.rows()), byId(site.rows.values()));
      }
    }),
    { numRuns: 300 },
  );
});
