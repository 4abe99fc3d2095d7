/** Virtual networks, ports, trunks and routers: kinds, allocation, and the rows that make them real. */
import type { AdmissionRequest } from '@weft/kernel/contract/system';
import { definePlugin, type OperationCall } from '@weft/kernel/sdk';
import { admit } from './admission/admit.ts';
import { config } from './config.ts';
import { kinds } from './kinds.ts';
import { drops, dropsSpec } from './operations/drops.ts';
import { routes, routesSpec } from './operations/routes.ts';
import { stats, statsSpec } from './operations/stats.ts';
import { Phases } from './phases.ts';
import { Programmer } from './rows/programmer.ts';

export default definePlugin({
  name: 'network',
  summary: 'Virtual networks, ports, trunks and routers',
  kinds,
  operations: [dropsSpec, routesSpec, statsSpec],
  grants: { rows: ['vrf', 'bridge', 'port', 'mac', 'neighbor', 'nexthop', 'route'] },
  config,
  async start(context) {
    const { objects } = context;
    const programmer = new Programmer(objects, context.rows, context.config.mtu);
    const phases = new Phases(
      objects,
      (updates) => context.setStatus(updates),
      () => new Date(),
    );
    const replaced = programmer.replace();
    // Before the first rows are out: what goes meanwhile must be heard of.
    objects.onChange(async (changed) => {
      await replaced;
      await programmer.update(changed);
      // Not awaited: the next rows need not wait until the kernel has the status.
      void phases.published(changed);
    });
    await replaced;
    context.forwarder.onPorts((ports, removed) => void phases.ports(ports, removed));
    return {
      admit: (request: AdmissionRequest) =>
        admit(request, { cache: objects, config: context.config, held: programmer, now: new Date().toISOString() }),
      operations: {
        drops: (input: { port?: string }, call: OperationCall) => drops(context, input, call),
        stats: (input: { port?: string }, call: OperationCall) => stats(context, input, call),
        routes: (input: { network?: string }, call: OperationCall) => routes(objects, programmer.topology, input, call),
      },
    };
  },
});
