/** What each network says to each of its ports: made once, and the same object as long as it says the same. */
import { isDeepStrictEqual } from 'node:util';
import type { Port, VirtualNetwork } from '@weft/kernel/contract/net';
import { formatKey, keyOf, type ObjectKey } from '@weft/kernel/contract/system';
import { type Advertisement, type AdvertisementSettings, advertisementOf } from './advertisement.ts';

interface Entry {
  readonly network: VirtualNetwork;
  /** By the search list of the port: nothing else of it is told. */
  readonly bySearch: Map<string, Advertisement>;
  /** What was said before the network changed. */
  readonly before: ReadonlyMap<string, Advertisement>;
}

export class Catalog {
  readonly #settings: AdvertisementSettings;
  readonly #entries = new Map<string, Entry>();

  constructor(settings: AdvertisementSettings) {
    this.#settings = settings;
  }

  advertisementOf(network: VirtualNetwork, port: Pick<Port, 'spec'>): Advertisement {
    const name = formatKey(keyOf(network));
    const search = JSON.stringify(port.spec.dhcpOptions?.domainSearch ?? '');
    const past = this.#entries.get(name);
    const entry: Entry = past?.network === network ? past : { network, bySearch: new Map(), before: past?.bySearch ?? new Map() };
    this.#entries.set(name, entry);
    const known = entry.bySearch.get(search);
    if (known !== undefined) return known;
    const made = advertisementOf(network, port, this.#settings);
    const before = entry.before.get(search);
    const advertisement = before !== undefined && isDeepStrictEqual(before, made) ? before : made;
    entry.bySearch.set(search, advertisement);
    return advertisement;
  }

  forget(network: ObjectKey): void {
    this.#entries.delete(formatKey(network));
  }
}
