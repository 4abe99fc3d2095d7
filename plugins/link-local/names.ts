/** From upstreams as configured to addresses: names are asked of the host's resolver, and remembered for a while. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { type DeniedPrefixes, isDenied } from '@weft/kernel/sdk';
import { type Endpoint, nameOf } from './upstreams.ts';

/** All addresses of a name; rejects when there is none. */
export type Lookup = (name: string) => Promise<readonly string[]>;

const rememberMs = 30_000;
/** VMs make datagrams faster than a resolver can say that there is nothing. */
const rememberFailureMs = 1_000;
/** Of one name: they are asked one after the other. */
const mostAddresses = 16;
const mostNames = 1_024;

/** An upstream that cannot be asked now. */
export interface Unusable {
  readonly upstream: string;
  readonly why: string;
}

interface Known {
  readonly until: number;
  readonly addresses: Promise<readonly string[]>;
}

const hostLookup: Lookup = async (name) => (await lookup(name, { all: true, order: 'verbatim' })).map(({ address }) => address);

export class Names {
  readonly #denied: DeniedPrefixes;
  readonly #lookup: Lookup;
  readonly #now: () => number;
  readonly #known = new Map<string, Known>();

  constructor(denied: DeniedPrefixes = [], lookupName: Lookup = hostLookup, now: () => number = () => performance.now()) {
    this.#denied = denied;
    this.#lookup = lookupName;
    this.#now = now;
  }

  /** What has no address now, or one that is denied, is left out. */
  async resolve(
    upstreams: readonly Endpoint[],
  ): Promise<{ readonly endpoints: readonly Endpoint[]; readonly unusable: readonly Unusable[] }> {
    const unusable: Unusable[] = [];
    const found = await Promise.all(
      upstreams.map(async ({ address, port }) => {
        const addresses = isIP(address) === 0 ? await this.#addresses(address).catch(() => []) : [address];
        if (addresses.length === 0) unusable.push({ upstream: address, why: `the name ${address} has no address` });
        return addresses.flatMap((each) => {
          if (!isDenied(this.#denied, each)) return [{ address: each, port }];
          unusable.push({ upstream: nameOf({ address: each, port }), why: `${each} is denied by the setting deniedUpstreams` });
          return [];
        });
      }),
    );
    return { endpoints: found.flat(), unusable };
  }

  #addresses(name: string): Promise<readonly string[]> {
    const now = this.#now();
    const known = this.#known.get(name);
    if (known !== undefined && known.until > now) return known.addresses;
    if (this.#known.size >= mostNames) this.#known.clear();
    const addresses = this.#lookup(name).then((all) => all.slice(0, mostAddresses));
    // While it is asked, too: a resolver may take longer to fail than an answer is remembered.
    this.#known.set(name, { until: Number.POSITIVE_INFINITY, addresses });
    addresses.then(
      () => this.#remember(name, addresses, rememberMs),
      () => this.#remember(name, addresses, rememberFailureMs),
    );
    return addresses;
  }

  #remember(name: string, addresses: Known['addresses'], ms: number): void {
    if (this.#known.get(name)?.addresses === addresses) this.#known.set(name, { until: this.#now() + ms, addresses });
  }
}
