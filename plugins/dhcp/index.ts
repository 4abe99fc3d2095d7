/** `dhcp`: addresses and network parameters for ports. Wiring only. */
import type { VirtualNetwork } from '@weft/kernel/contract/net';
import { definePlugin, type OperationCall } from '@weft/kernel/sdk';
import { Clients } from './clients.ts';
import { dhcpConfig } from './config.ts';
import { Ledger } from './ledger.ts';
import { dhcpMetrics } from './metrics.ts';
import { dhcpOperations } from './operations.ts';
import { Advertiser } from './ra/advertiser.ts';
import type { Server, Shared } from './server.ts';
import { serviceRows } from './service-rows.ts';
import { Tally } from './tally.ts';
import { DhcpServer } from './v4/server.ts';
import { Dhcp6Server } from './v6/server.ts';

export default definePlugin({
  name: 'dhcp',
  summary: 'Gives each port its addresses and network parameters by DHCPv4, DHCPv6 and router advertisements.',
  needs: ['network'],
  operations: dhcpOperations,
  puntClasses: [
    // 2,000 exchanges a second over 256 ports are 4,000 packets in all and 16 of each. Two hundred ports must flood before others lose any.
    { name: 'dhcp', rate: 20_000, burst: 4000, portRate: 100, portBurst: 200 },
    { name: 'dhcp6', rate: 20_000, burst: 4000, portRate: 100, portBurst: 200 },
    { name: 'router-solicitation', rate: 2000, burst: 1000, portRate: 5, portBurst: 10 },
  ],
  grants: { rows: ['service'], reads: ['Port', 'VirtualNetwork'] },
  config: dhcpConfig,
  metrics: dhcpMetrics,
  async start(context) {
    const { objects, punts } = context;
    const shared: Shared = { clients: new Clients(objects), ledger: new Ledger(), tally: new Tally() };
    const servers: Readonly<Record<string, Server>> = {
      dhcp: new DhcpServer(context, shared),
      dhcp6: new Dhcp6Server(context, shared),
      'router-solicitation': new Advertiser(context, shared),
    };
    dhcpMetrics(context.metrics, () => shared.tally.list());
    const program = (): Promise<void> =>
      context.rows.replace(serviceRows(objects.list<VirtualNetwork>('VirtualNetwork'), (puntClass) => punts.classNumber(puntClass)));
    for (const [puntClass, server] of Object.entries(servers)) punts.on(puntClass, (records) => server.handle(records));
    // Before the first rows are out: what goes meanwhile must be heard of.
    objects.onChange(async (changed) => {
      for (const port of shared.clients.refresh(changed)) shared.ledger.forget(port.metadata.uid);
      for (const server of Object.values(servers)) server.refresh?.(changed);
      if (changed.some((key) => key.kind === 'VirtualNetwork')) await program();
    });
    await program();
    return {
      operations: {
        leases: (_input: never, call: OperationCall) => ({ items: shared.ledger.list(call.project) }),
        counters: () => ({ items: shared.tally.list() }),
      },
      disable: async () => {
        await Promise.all(Object.values(servers).map((server) => server.disable?.()));
      },
      stop: () => {
        for (const server of Object.values(servers)) server.stop?.();
      },
    };
  },
});
