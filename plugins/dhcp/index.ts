/** `dhcp`: DHCPv4 for ports. Wiring only. */
import type { VirtualNetwork } from '@weft/kernel/contract/net';
import { definePlugin, type OperationCall } from '@weft/kernel/sdk';
import { dhcpConfig } from './config.ts';
import { dhcpMetrics } from './metrics.ts';
import { dhcpOperations } from './operations.ts';
import { serviceRows } from './service-rows.ts';
import { DhcpServer } from './v4/server.ts';

const puntClass = 'dhcp';

export default definePlugin({
  name: 'dhcp',
  summary: 'Gives each port its address and network parameters by DHCPv4.',
  needs: ['network'],
  operations: dhcpOperations,
  puntClasses: [{ name: puntClass, rate: 2000, burst: 1000, portRate: 20, portBurst: 40 }],
  grants: { rows: ['service'], reads: ['Port', 'VirtualNetwork'] },
  config: dhcpConfig,
  metrics: dhcpMetrics,
  async start(context) {
    const server = new DhcpServer(context);
    dhcpMetrics(context.metrics, () => server.counters());
    const program = (): Promise<void> =>
      context.rows.replace(serviceRows(context.objects.list<VirtualNetwork>('VirtualNetwork'), context.punts.classNumber(puntClass)));
    context.punts.on(puntClass, (records) => server.handle(records));
    // Before the first rows are out: what goes meanwhile must be heard of.
    context.objects.onChange(async (changed) => {
      server.refresh(changed);
      if (changed.some((key) => key.kind === 'VirtualNetwork')) await program();
    });
    await program();
    return {
      operations: {
        leases: (_input: never, call: OperationCall) => ({ items: server.leases(call.project) }),
        counters: () => ({ items: server.counters() }),
      },
    };
  },
});
