/** Names of destinations: one prefix in one table. */
import { formatPrefix, type RoutePath, type RouteRow } from '@weft/kernel/contract/net';

export function destinationOf({ table, prefix }: Pick<RoutePath, 'table' | 'prefix'>): string {
  return `${table} ${formatPrefix(prefix)}`;
}

/** The same from a row. */
export function destinationOfRow({ vrf, address, prefixLength }: RouteRow): string {
  return `${vrf} ${address}/${prefixLength}`;
}
