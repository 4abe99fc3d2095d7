/** Which upstream to ask: those that answered last come first, in random order. One that fails rests, each time longer. */

/** A server: `address` is an IP address. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

export interface Health {
  readonly failures: number;
  /** Milliseconds of the clock until which it is asked last only. */
  readonly restsUntil: number;
  /** Why it failed last; empty once it answered. */
  readonly error: string;
}

const firstRestMs = 1_000;
const longestRestMs = 30_000;
/** Of those that failed; far more than any set of services has. */
const mostRemembered = 10_000;
const healthy: Health = { failures: 0, restsUntil: 0, error: '' };

export class Upstreams {
  readonly #health = new Map<string, Health>();
  readonly #now: () => number;
  readonly #random: () => number;

  /** `now`: milliseconds of a clock that does not go back. */
  constructor(now: () => number = () => performance.now(), random: () => number = Math.random) {
    this.#now = now;
    this.#random = random;
  }

  /** In the order in which to ask them: what rests comes last, soonest to be over first. */
  order(endpoints: readonly Endpoint[]): readonly Endpoint[] {
    const now = this.#now();
    const marked = endpoints.map((endpoint) => {
      const { restsUntil } = this.of(endpoint);
      return { endpoint, rank: restsUntil > now ? restsUntil : 0, chance: this.#random() };
    });
    return marked.sort((a, b) => a.rank - b.rank || a.chance - b.chance).map(({ endpoint }) => endpoint);
  }

  of(endpoint: Endpoint): Health {
    return this.#health.get(nameOf(endpoint)) ?? healthy;
  }

  /** True: it was one that failed. */
  answered(endpoint: Endpoint): boolean {
    return this.#health.delete(nameOf(endpoint));
  }

  failed(endpoint: Endpoint, error: string): void {
    const failures = this.of(endpoint).failures + 1;
    if (this.#health.size >= mostRemembered) this.#health.clear();
    const rest = Math.min(longestRestMs, firstRestMs * 2 ** (failures - 1));
    this.#health.set(nameOf(endpoint), { failures, restsUntil: this.#now() + rest, error });
  }
}

export const nameOf = ({ address, port }: Endpoint): string => (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`);
