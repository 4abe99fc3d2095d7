/**
 * Where the name of a Nova leads: looked at at each connection, so that no name can come to mean an address that is denied. The resolver is asked once
 * for all connections that wait, and what it said is believed for a while.
 */
import { type LookupAddress, lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { promisify } from 'node:util';
import { type DeniedPrefixes, isDenied } from '@weft/kernel/sdk';

/** The code of an error: all addresses of the name are denied. */
export const deniedCode = 'EDENIED';

/** What the resolver said is good for so long, and that it failed. */
const believedMs = 10_000;
const failedMs = 1_000;

export type Ask = (name: string) => Promise<readonly LookupAddress[]>;

const askHost: Ask = (name) => promisify(lookup)(name, { all: true, order: 'verbatim' });

export class Addresses {
  readonly #denied: DeniedPrefixes;
  readonly #ask: Ask;
  readonly #now: () => number;
  #found: Promise<readonly LookupAddress[]> = Promise.resolve([]);
  #until = Number.NEGATIVE_INFINITY;

  /** For one name only. @param now milliseconds of a clock that does not go back */
  constructor(denied: DeniedPrefixes, ask: Ask = askHost, now: () => number = () => performance.now()) {
    this.#denied = denied;
    this.#ask = ask;
    this.#now = now;
  }

  /** For the option `lookup` of node:net; addresses themselves do not come here. */
  readonly lookup: LookupFunction = (name, { all }, done) => {
    this.#allowed(name).then(
      (addresses) => {
        const [first] = addresses;
        if (all === true) done(null, [...addresses]);
        else done(null, first?.address ?? '', first?.family);
      },
      (error) => done(error, ''),
    );
  };

  async #allowed(name: string): Promise<readonly LookupAddress[]> {
    const addresses = await this.#resolve(name);
    const allowed = addresses.filter(({ address }) => !isDenied(this.#denied, address));
    if (allowed.length === 0) throw Object.assign(new Error('every address is denied'), { code: deniedCode });
    return allowed;
  }

  #resolve(name: string): Promise<readonly LookupAddress[]> {
    if (this.#now() < this.#until) return this.#found;
    this.#until = Number.POSITIVE_INFINITY;
    this.#found = this.#ask(name);
    this.#found.then(
      () => this.#believe(believedMs),
      () => this.#believe(failedMs),
    );
    return this.#found;
  }

  #believe(ms: number): void {
    this.#until = this.#now() + ms;
  }
}
