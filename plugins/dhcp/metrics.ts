/** What became of clients' messages, for Prometheus. */
import { Counter, type Registry } from '@weft/kernel/sdk';
import type { Tallied } from './tally.ts';

export function dhcpMetrics(registry: Registry, tallied: () => readonly Tallied[] = () => []): void {
  new Counter({
    name: 'weft_dhcp_messages_total',
    help: 'Messages of clients, by protocol and type of the reply or why there was none',
    labelNames: ['protocol', 'outcome'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { protocol, name, count } of tallied()) this.inc({ protocol, outcome: name }, count);
    },
  });
}
