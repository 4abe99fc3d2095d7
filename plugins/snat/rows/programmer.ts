/** Keeps the forwarder's rows and the statuses equal to what the objects want, and only ever sends what differs. */
import { setImmediate as breathe } from 'node:timers/promises';
import type { FloatingIp, SnatPool, Uplink, VirtualNetwork } from '@weft/kernel/contract/net';
import { keyOf, type WeftObject } from '@weft/kernel/contract/system';
import type { PluginContext, RowSet } from '@weft/kernel/sdk';
import type { Site, Title } from '../site.ts';
import { wayOf } from '../way.ts';
import { RowBook } from './row-book.ts';
import { ipWants, networkWants, nothing, poolWants, uplinkWants, type Wanted } from './wanted.ts';

/** Objects that are looked at before others get their turn. */
const atOnce = 500;

export class Programmer {
  readonly #site: Site;
  readonly #rows: RowSet;
  readonly #setStatus: PluginContext<unknown>['setStatus'];
  readonly #appliance: string;
  readonly #book = new RowBook();
  /** Networks whose floating IPs were looked at with another way out. */
  readonly #ways = new Map<Title, string>();
  #dirty = new Set<Title>();
  #begun = false;

  /** @param appliance its host name */
  constructor(site: Site, rows: RowSet, setStatus: PluginContext<unknown>['setStatus'], appliance: string) {
    this.#site = site;
    this.#rows = rows;
    this.#setStatus = setStatus;
    this.#appliance = appliance;
  }

  /** Rows that are wanted. */
  get size(): number {
    return this.#book.size;
  }

  /** These may want other rows than before. */
  touch(titles: Iterable<Title>): void {
    for (const title of titles) this.#dirty.add(title);
  }

  /** Resolves once the forwarder has what the objects want; the first time it gets the complete set. */
  async update(): Promise<void> {
    const dirty = this.#dirty;
    this.#dirty = new Set();
    const statuses = await this.#compile(dirty);
    const { upserts, deletes } = this.#book.take();
    if (!this.#begun) await this.#rows.replace(this.#book.rows());
    else if (upserts.length > 0 || deletes.length > 0) await this.#rows.update(upserts, deletes);
    this.#begun = true;
    // Not awaited: the next rows need not wait until the kernel has the statuses.
    void this.#tell(statuses);
  }

  async #compile(dirty: Set<Title>): Promise<ReadonlyMap<Title, Wanted['status']>> {
    const statuses = new Map<Title, Wanted['status']>();
    for (const title of [...dirty].filter(isNetwork)) for (const ip of this.#outdated(title)) dirty.add(ip);
    let count = 0;
    for (const title of dirty) {
      const { rows, status } = this.#wanted(title);
      this.#book.set(title, rows);
      if (status !== undefined) statuses.set(title, status);
      count += 1;
      if (count % atOnce === 0) await breathe();
    }
    return statuses;
  }

  /** Floating IPs of a network whose way out is another one than when they were looked at. */
  #outdated(title: Title): Iterable<Title> {
    const network = this.#site.get<VirtualNetwork>(title);
    const way = network && wayOf(network, this.#site)?.uplink.metadata.name;
    if (way === this.#ways.get(title)) return [];
    if (way === undefined) this.#ways.delete(title);
    else this.#ways.set(title, way);
    return network === undefined ? [] : this.#site.ipsOf(network);
  }

  #wanted(title: Title): Wanted {
    const object = this.#site.get<WeftObject>(title);
    switch (object?.kind) {
      case 'Uplink':
        return uplinkWants(object as unknown as Uplink);
      case 'VirtualNetwork':
        return networkWants(object as unknown as VirtualNetwork, this.#site);
      case 'SnatPool':
        return poolWants(object as unknown as SnatPool, this.#site, this.#appliance);
      case 'FloatingIp':
        return ipWants(object as unknown as FloatingIp, this.#site);
      default:
        return nothing;
    }
  }

  async #tell(statuses: ReadonlyMap<Title, Wanted['status']>): Promise<void> {
    const updates = [...statuses].flatMap(([title, status = {}]) => {
      const object = this.#site.get<WeftObject>(title);
      // What has changed meanwhile is told once its own rows are out.
      if (object === undefined || this.#dirty.has(title)) return [];
      const differs = Object.entries(status).some(([field, value]) => JSON.stringify(object.status[field]) !== JSON.stringify(value));
      return differs ? [{ key: keyOf(object), status }] : [];
    });
    if (updates.length > 0) await this.#setStatus(updates);
  }
}

const isNetwork = (title: Title): boolean => title.startsWith('VirtualNetwork/');
