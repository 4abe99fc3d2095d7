/** What became of clients' messages, for Prometheus. */
import { Counter, type Registry } from '@weft/kernel/sdk';

export function dhcpMetrics(
  registry: Registry,
  counters: () => readonly { readonly name: string; readonly count: number }[] = () => [],
): void {
  new Counter({
    name: 'weft_dhcp_messages_total',
    help: 'Messages of clients, by type of the reply or by why there was none',
    labelNames: ['outcome'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { name, count } of counters()) this.inc({ outcome: name }, count);
    },
  });
}
