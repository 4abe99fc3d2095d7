import { parsePrefix, type RoutePath, type Row, routeSources } from '@weft/kernel/contract/net';
import test from 'ava';
import * as fc from 'fast-check';
import { destinationOf } from './destination.ts';
import { EcmpGroups } from './ecmp.ts';
import { firstGroup, noNexthop } from './nexthops.ts';
import { PathTable } from './path-table.ts';
import { leak, routeRows } from './rib.ts';

function path(text: string, fields: Partial<Omit<RoutePath, 'nextHop'>> & { nexthop?: number } = {}): RoutePath {
  const prefix = parsePrefix(text)?.prefix;
  if (!prefix) throw new TypeError(text);
  const { nexthop = 2, ...more } = fields;
  return {
    table: 1,
    prefix,
    source: routeSources.connected,
    pathId: 'p',
    preference: 100,
    nextHop: { ...noNexthop, id: nexthop },
    ...more,
  };
}

const rowsOf = (paths: readonly RoutePath[], groups = new EcmpGroups()) =>
  routeRows(paths[0] ? destinationOf(paths[0]) : '', paths, groups);
const routesIn = (rows: readonly Row[]) => rows.flatMap((row) => (row.table === 'route' ? [[row.source, row.nexthop]] : []));
const members = (rows: readonly Row[]) => rows.flatMap((row) => (row.table === 'member' ? [[row.index, row.nexthop]] : []));

test('a path becomes a row, in either family', (t) => {
  t.deepEqual(rowsOf([path('10.1.0.11/32')]), [{ table: 'route', vrf: 1, prefixLength: 32, address: '10.1.0.11', source: 10, nexthop: 2 }]);
  t.deepEqual(rowsOf([path('2001:DB8:0:0::/64')]), [
    { table: 'route', vrf: 1, prefixLength: 64, address: '2001:db8::', source: 10, nexthop: 2 },
  ]);
});

test('of paths of one source the lowest preference is used, in whatever order they come', (t) => {
  const paths = [path('::/0', { pathId: 'a', preference: 200, nexthop: 3 }), path('::/0', { pathId: 'b', nexthop: 4 })];
  t.deepEqual(routesIn(rowsOf(paths)), [[10, 4]]);
  t.deepEqual(rowsOf(paths.toReversed()), rowsOf(paths));
});

test('one prefix has a row per source: the forwarder prefers', (t) => {
  const paths = [path('10.1.0.0/24', { source: routeSources.static, nexthop: 3 }), path('10.1.0.0/24')];
  t.deepEqual(routesIn(rowsOf(paths)), [
    [10, 2],
    [20, 3],
  ]);
});

test('equal paths are a group: one that goes leaves a hole, the next one takes it, and the number stays', (t) => {
  const groups = new EcmpGroups();
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((pathId, index) => path('10.1.0.100/32', { pathId, nexthop: index + 3 })) as [
    RoutePath,
    RoutePath,
    RoutePath,
    RoutePath,
  ];
  const step = (...paths: readonly RoutePath[]) => {
    const rows = rowsOf(paths, groups);
    const size = rows.flatMap((row) => (row.table === 'nexthop' ? [row.size] : []))[0];
    return { routes: routesIn(rows), members: members(rows), size };
  };
  const routes = [[10, firstGroup]];
  t.deepEqual(step(a), { routes: [[10, 3]], members: [], size: undefined });
  t.deepEqual(step(c, b, a), { routes, members: [[0, 3], [1, 4], [2, 5]], size: 3 }); // biome-ignore format: a table
  t.deepEqual(step(c, a), { routes, members: [[0, 3], [2, 5]], size: 3 }); // biome-ignore format: a table
  t.deepEqual(step(c, d, a), { routes, members: [[0, 3], [1, 6], [2, 5]], size: 3 }); // biome-ignore format: a table
  t.deepEqual(step(c), { routes, members: [[2, 5]], size: 3 });
  t.deepEqual(step(b), { routes: [[10, 4]], members: [], size: undefined });
});

test('a group has at most 256 places, and its number is given out again', (t) => {
  const groups = new EcmpGroups();
  const many = Array.from({ length: 300 }, (_, index) => path('::/0', { pathId: String(index), nexthop: index + 3 }));
  t.is(members(rowsOf(many, groups)).length, 256);
  const other = many.map((each) => ({ ...each, table: 2 }));
  t.deepEqual(routesIn(rowsOf(other, groups)), [[10, firstGroup + 1]]);
  t.deepEqual(routeRows('1 ::/0', [], groups), []);
  t.deepEqual(
    routesIn(
      rowsOf(
        many.map((each) => ({ ...each, table: 3 })),
        groups,
      ),
    ),
    [[10, firstGroup]],
  );
});

test('a restarted plugin finds its groups again', (t) => {
  const paths = ['a', 'b', 'c'].map((pathId, index) => path('2001:db8::1/128', { pathId, nexthop: index + 3 }));
  const first = new EcmpGroups();
  rowsOf(paths, first);
  const rows = rowsOf(paths.slice(1, 2), first);
  const second = new EcmpGroups();
  const of = <Name extends Row['table']>(table: Name) => rows.filter((row): row is Extract<Row, { table: Name }> => row.table === table);
  t.deepEqual(second.restore({ routes: of('route'), nexthops: of('nexthop'), members: of('member') }), ['1 2001:db8::1/128']);
  t.deepEqual(rowsOf(paths.slice(1, 2), second), rows);
  t.deepEqual(members(rowsOf(paths, second)), [[0, 3], [1, 4], [2, 5]]); // biome-ignore format: a table
});

test('only connected paths leak, of both families, into every other table', (t) => {
  const leaked = leak([path('10.1.0.11/32'), path('2001:db8::/64'), path('10.9.0.0/16', { source: routeSources.static })], [7, 8]);
  t.deepEqual(
    leaked.map(({ table, source, prefix }) => [table, source, prefix.family]),
    [
      [7, 30, 4],
      [7, 30, 6],
      [8, 30, 4],
      [8, 30, 6],
    ],
  );
});

const prefixes = ['10.1.0.0/24', '10.1.0.1/32', '::/0', '2001:db8::/64'];
const pathArbitrary = fc
  .record({
    prefix: fc.constantFrom(...prefixes),
    source: fc.constantFrom(routeSources.connected, routeSources.static, routeSources.leaked),
    preference: fc.constantFrom(100, 200),
    nexthop: fc.integer({ min: 1, max: 5 }),
  })
  .map(({ prefix, nexthop, ...more }) => path(prefix, { ...more, nexthop, pathId: `p${nexthop}` }));
const changeArbitrary = fc.record({ unit: fc.constantFrom('a', 'b', 'c', 'd'), paths: fc.array(pathArbitrary, { maxLength: 5 }) });

/** Rows without what depends on the past: numbers of groups and places. */
function withoutPast(rows: Iterable<readonly Row[]>): string[] {
  return [...rows]
    .flatMap((given) =>
      given.flatMap((row) => {
        if (row.table !== 'route') return [];
        const inGroup = given.flatMap((member) => (member.table === 'member' && member.group === row.nexthop ? [member.nexthop] : []));
        return [JSON.stringify({ ...row, nexthop: inGroup.length > 0 ? inGroup.sort() : [row.nexthop] })];
      }),
    )
    .sort();
}

test('deciding only the destinations that changed comes to the same as deciding all anew, and no member changes its place', async (t) => {
  await fc.assert(
    fc.property(fc.array(changeArbitrary, { maxLength: 30 }), (changes) => {
      const table = new PathTable<RoutePath>(destinationOf);
      const groups = new EcmpGroups();
      const decided = new Map<string, readonly Row[]>();
      const said = new Map<string, readonly RoutePath[]>();
      for (const { unit, paths } of changes) {
        for (const key of table.set(unit, paths)) {
          const before = decided.get(key) ?? [];
          const after = routeRows(key, table.at(key), groups);
          decided.set(key, after);
          checkPlaces(before, after);
        }
        const all = Map.groupBy([...said.set(unit, paths).values()].flat(), destinationOf);
        const fresh = [...all].map(([key, given]) => routeRows(key, given, new EcmpGroups()));
        t.deepEqual(withoutPast(decided.values()), withoutPast(fresh));
      }
    }),
    { numRuns: 300, seed: 4 },
  );
});

function checkPlaces(before: readonly Row[], after: readonly Row[]): void {
  const placeOf = (rows: readonly Row[], source: number) => {
    const group = routesIn(rows).find(([of]) => of === source)?.[1];
    return new Map(rows.flatMap((row) => (row.table === 'member' && row.group === group ? [[row.nexthop, row.index]] : [])));
  };
  for (const source of Object.values(routeSources)) {
    const places = placeOf(after, source);
    for (const [nexthop, index] of placeOf(before, source)) {
      if (places.has(nexthop) && places.get(nexthop) !== index) throw new Error(`next hop ${nexthop} moved from ${index}`);
    }
  }
}
