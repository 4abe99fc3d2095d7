/**
 * Routes: paths (what is known) → rows of the FIB (what the forwarder uses), one destination at a time. Pure but for the memory of ECMP places.
 * A table is a VRF. The forwarder prefers the lowest source of one prefix itself, so each source's best paths are a row.
 */
import { formatIp, type RoutePath, type RouteRow, type Row, routeSources } from '@weft/kernel/contract/net';
import { type EcmpGroups, groupRows } from './ecmp.ts';
import { preferred } from './path-table.ts';

/** The same destinations as seen from other tables, joined by a router. Only connected paths travel: a static route belongs to its network. */
export function leak(paths: readonly RoutePath[], tables: readonly number[]): readonly RoutePath[] {
  const local = paths.filter((path) => path.source === routeSources.connected);
  return tables.flatMap((table) => local.map((path) => ({ ...path, table, source: routeSources.leaked })));
}

/** The paths of one destination that are used, by source. */
export function usedPaths(paths: readonly RoutePath[]): ReadonlyMap<number, readonly RoutePath[]> {
  const bySource = Map.groupBy(paths, ({ source }) => source);
  return new Map([...bySource].sort(([a], [b]) => a - b).map(([source, given]) => [source, preferred(given)]));
}

/** Rows of one destination: a route per source, and the groups that they need. */
export function routeRows(destination: string, paths: readonly RoutePath[], groups: EcmpGroups): readonly Row[] {
  const used = usedPaths(paths);
  const nexthops = new Map([...used].map(([source, given]) => [source, [...new Set(given.map(({ nextHop }) => nextHop.id))]]));
  const grouped = groups.update(destination, nexthops);
  return [...used].flatMap(([source, [path]]): readonly Row[] => {
    if (!path) return [];
    const group = grouped.get(source);
    const { table, prefix, nextHop } = path;
    const address = formatIp({ family: prefix.family, value: prefix.first });
    const route: RouteRow = { table: 'route', vrf: table, prefixLength: prefix.length, address, source, nexthop: group?.id ?? nextHop.id };
    return group ? [route, ...groupRows(group)] : [route];
  });
}
