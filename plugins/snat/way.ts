/** How packets of a network leave. */
import type { SnatPool, Uplink, VirtualNetwork } from '@weft/kernel/contract/net';
import { poolPlace } from './pools.ts';
import type { Site } from './site.ts';

export interface Way {
  readonly uplink: Uplink;
  /** Whose addresses they share; undefined: those without a floating IP do not leave. */
  readonly pool?: SnatPool | undefined;
  /** Routed natively: the plugin network has the routes. */
  readonly native: boolean;
}

/** A network has one way out: natively, else that of its pool, else that of its floating IPs. */
export function wayOf(network: VirtualNetwork, site: Site): Way | undefined {
  const { forwarding, underlay } = network.spec;
  if (forwarding === 'l2') return undefined;
  const uplinks = site.uplinks();
  const named = (name: string | undefined) => uplinks.find(({ metadata }) => metadata.name === name);
  const pool = site.poolOf(network);
  const behind = pool && poolPlace(pool, uplinks).uplink;
  if (underlay !== undefined) {
    const uplink = named(underlay);
    return uplink && { uplink, native: true, pool: behind === uplink ? pool : undefined };
  }
  if (behind) return { uplink: behind, pool, native: false };
  const uplink = named(site.uplinksOfIps(network)[0]);
  return uplink && { uplink, native: false };
}
