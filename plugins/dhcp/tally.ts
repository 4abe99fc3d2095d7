/** What became of messages, by protocol: for the operation `counters` and for Prometheus. */
export type Protocol = 'dhcpv4' | 'dhcpv6' | 'ra';

export interface Tallied {
  readonly protocol: Protocol;
  /** Type of the reply, or why there was none; a fixed word, never anything that a client says. */
  readonly name: string;
  readonly count: number;
}

export class Tally {
  readonly #counts: Readonly<Record<Protocol, Map<string, number>>> = { dhcpv4: new Map(), dhcpv6: new Map(), ra: new Map() };

  count(protocol: Protocol, name: string, by = 1): void {
    const counts = this.#counts[protocol];
    counts.set(name, (counts.get(name) ?? 0) + by);
  }

  /** Sorted by protocol and name. */
  list(): readonly Tallied[] {
    return (Object.keys(this.#counts) as Protocol[]).flatMap((protocol) =>
      [...this.#counts[protocol]].map(([name, count]) => ({ protocol, name, count })).sort((a, b) => (a.name < b.name ? -1 : 1)),
    );
  }
}
