/** What a SnatPool says, read: its addresses, its ports, and where they are. Pure. */
import { canonicalIp, formatIp, type IpAddress, parseIp, type SnatPool, type SnatPoolSpec, type Uplink } from '@weft/kernel/contract/net';
import { decidedOf, hostPlace, type Nowhere, ownAddresses, type Place, placeOf } from './uplinks.ts';

/** In `addresses`: the uplink's own. */
export const hostWord = 'host';

export const isHostPool = ({ addresses }: Pick<SnatPoolSpec, 'addresses'>): boolean => addresses.includes(hostWord);

/** `FIRST-LAST`; undefined when that is no range of ports. */
export function portRange({ ports }: Pick<SnatPoolSpec, 'ports'>): { readonly first: number; readonly last: number } | undefined {
  const [first = 0, last = 0] = ports.split('-').map(Number);
  return first >= 1 && first <= last && last <= 65_535 ? { first, last } : undefined;
}

/** The uplink of the pool's addresses: that of the first one, as all others have the same. */
export function poolPlace({ spec, status }: Pick<SnatPool, 'spec' | 'status'>, uplinks: readonly Uplink[]): Place | Nowhere {
  const address = isHostPool(spec) ? undefined : parseIp(spec.addresses[0] ?? '');
  const decided = decidedOf(status);
  return address === undefined ? hostPlace(spec.uplink, uplinks, decided) : placeOf(address, spec.uplink, uplinks, decided);
}

/** Where one of its addresses is: one in use stays, one that could be behind several uplinks is behind the pool's. `uplink`: the pool's. */
export function placeInPool(
  { spec, status }: Pick<SnatPool, 'spec' | 'status'>,
  address: IpAddress,
  uplinks: readonly Uplink[],
  uplink: Uplink | undefined,
): Place | Nowhere {
  const decided = decidedOf(status);
  const inUse = decided === uplink?.metadata.name && (status.assignments ?? []).some((used) => used.address === formatIp(address));
  const place = placeOf(address, spec.uplink, uplinks, inUse ? decided : undefined);
  return place.uplink === undefined && decided !== undefined && uplink !== undefined
    ? placeOf(address, uplink.metadata.name, [uplink])
    : place;
}

/** Its outside addresses, canonical; of a host pool those of the uplink. */
export function poolAddresses({ spec }: Pick<SnatPool, 'spec'>, uplink: Uplink | undefined): readonly string[] {
  if (!isHostPool(spec)) return spec.addresses.map(canonicalIp);
  return uplink === undefined ? [] : ownAddresses(uplink);
}
