/**
 * Routes: paths (what is known) → rows of the FIB (what the forwarder uses). Pure.
 * A table is a VRF; a path says how one table reaches one prefix, and who says so. A later path source, such as BGP, only adds paths.
 */
import { type RouteRow, routeSources } from '@weft/kernel/contract/net';
import { formatIpv4, type Ipv4Prefix } from '../ipv4.ts';

export interface Path {
  /** VRF number. */
  readonly table: number;
  readonly prefix: Ipv4Prefix;
  /** A value of `routeSources`. */
  readonly source: number;
  /** Tells paths of one source apart; of several the lowest is used, so that the choice does not depend on order. */
  readonly path: string;
  /** Number of a nexthop row. */
  readonly nexthop: number;
}

/** The same destinations as seen from other tables, joined by a router. Only connected paths travel: a static route belongs to its network. */
export function leak(paths: readonly Path[], tables: readonly number[]): readonly Path[] {
  const local = paths.filter((path) => path.source === routeSources.connected);
  return tables.flatMap((table) => local.map((path) => ({ ...path, table, source: routeSources.leaked })));
}

/** One row per table, prefix and source. The forwarder prefers the lowest source of one prefix itself, so each source's best path is a row. */
export function routeRows(paths: readonly Path[]): readonly RouteRow[] {
  const best = new Map<string, Path>();
  for (const path of paths) {
    const key = `${path.table}/${path.prefix.first}/${path.prefix.length}/${path.source}`;
    const other = best.get(key);
    if (!other || path.path < other.path) best.set(key, path);
  }
  return [...best.values()].map(({ table, prefix, source, nexthop }) => ({
    table: 'route',
    vrf: table,
    prefixLength: prefix.length,
    address: formatIpv4(prefix.first),
    source,
    nexthop,
  }));
}
