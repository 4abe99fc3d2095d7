/** What became of queries, for Prometheus. */
import { Counter, type Registry } from '@weft/kernel/sdk';
import { type ResolverGauges, resolverGauges } from './resolver/gauges.ts';

export function dnsMetrics(
  registry: Registry,
  counters: () => readonly { readonly name: string; readonly count: number }[] = () => [],
  gauges: () => ResolverGauges = () => ({ entries: 0, bytes: 0, states: [] }),
): void {
  resolverGauges(registry, gauges);
  new Counter({
    name: 'weft_dns_events_total',
    help: 'What happened to queries: each is counted once as such, and under all that was done for it',
    labelNames: ['event'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { name, count } of counters()) this.inc({ event: name }, count);
    },
  });
}
