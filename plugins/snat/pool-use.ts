/** How much of the pools is in use, as the forwarder said last. */
import type { NatAddressStats, SnatPool, Uplink } from '@weft/kernel/contract/net';
import type { PoolUse } from './alarms.ts';
import type { AddressUse } from './metrics.ts';
import type { Site } from './site.ts';

export class PoolUses {
  readonly #site: Site;
  #stats: readonly NatAddressStats[] = [];

  constructor(site: Site) {
    this.#site = site;
  }

  set(stats: readonly NatAddressStats[]): void {
    this.#stats = stats;
  }

  /** Of each address whose pool there still is. */
  addresses(): readonly (AddressUse & { readonly uplink: string })[] {
    const pools = new Map(this.#site.all<SnatPool>('SnatPool').map((pool) => [pool.status.id, pool]));
    const uplinks = new Map(this.#site.all<Uplink>('Uplink').map((uplink) => [uplink.status.id, uplink.metadata.name]));
    return this.#stats.flatMap((stats) => {
      const pool = pools.get(stats.pool);
      if (pool === undefined) return [];
      const { project = '', name } = pool.metadata;
      return [{ ...stats, poolName: `${project}/${name}`, uplink: uplinks.get(stats.port) ?? '' }];
    });
  }

  pools(): readonly PoolUse[] {
    const uses = new Map<number, PoolUse>();
    for (const { pool: id, poolName: name, ports, blocked } of this.addresses()) {
      const use = uses.get(id) ?? { id, name, ports: 0, blocked: 0 };
      uses.set(id, { ...use, ports: use.ports + ports, blocked: use.blocked + blocked });
    }
    return [...uses.values()];
  }
}
