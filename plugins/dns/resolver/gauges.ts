/** How it stands with names of the outside, for Prometheus. */
import { Gauge, type Registry } from '@weft/kernel/sdk';
import type { HealthState } from './health.ts';

export interface ResolverGauges {
  readonly entries: number;
  readonly bytes: number;
  /** Of the upstreams of the plugin's own list. */
  readonly states: readonly HealthState[];
}

const states: readonly HealthState[] = ['unknown', 'up', 'suspect', 'down'];

export function resolverGauges(registry: Registry, read: () => ResolverGauges): void {
  const gauge = (name: string, help: string, value: (now: ResolverGauges) => number) =>
    new Gauge({
      ...{ name, help, registers: [registry] },
      collect() {
        this.set(value(read()));
      },
    });
  gauge('weft_dns_cache_entries', 'Answers of upstreams that are kept', ({ entries }) => entries);
  gauge('weft_dns_cache_bytes', 'Memory that they take, about', ({ bytes }) => bytes);
  new Gauge({
    name: 'weft_dns_upstreams',
    help: 'Upstreams of the plugin’s own list by state: up, unknown (not asked yet), suspect (being probed), down',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      const now = read();
      for (const state of states) this.set({ state }, now.states.filter((each) => each === state).length);
    },
  });
}
