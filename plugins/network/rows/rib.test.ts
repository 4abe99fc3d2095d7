import { routeSources } from '@weft/kernel/contract/net';
import test from 'ava';
import { parseIpv4, prefixOf } from '../ipv4.ts';
import { leak, type Path, routeRows } from './rib.ts';

function path(text: string, length: number, fields: Partial<Path> = {}): Path {
  const prefix = prefixOf(parseIpv4(text) ?? 0, length);
  return { table: 1, prefix, source: routeSources.connected, path: 'p', nexthop: 2, ...fields };
}

test('a path becomes a row', (t) => {
  t.deepEqual(routeRows([path('10.1.0.11', 32)]), [
    { table: 'route', vrf: 1, prefixLength: 32, address: '10.1.0.11', source: 10, nexthop: 2 },
  ]);
});

test('of several paths of one source the lowest is used, in whatever order they come', (t) => {
  const paths = [path('10.1.0.0', 24, { path: 'b', nexthop: 3 }), path('10.1.0.0', 24, { path: 'a', nexthop: 4 })];
  t.deepEqual(
    routeRows(paths).map(({ nexthop }) => nexthop),
    [4],
  );
  t.deepEqual(routeRows(paths.toReversed()), routeRows(paths));
});

test('one prefix has a row per source: the forwarder prefers', (t) => {
  t.is(routeRows([path('10.1.0.0', 24), path('10.1.0.0', 24, { source: routeSources.static })]).length, 2);
});

test('only connected paths leak, into every other table', (t) => {
  const leaked = leak([path('10.1.0.11', 32), path('10.9.0.0', 16, { source: routeSources.static })], [7, 8]);
  t.deepEqual(
    leaked.map(({ table, source, prefix }) => [table, source, prefix.length]),
    [
      [7, 30, 32],
      [8, 30, 32],
    ],
  );
});
