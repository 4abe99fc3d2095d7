/** Virtual networks, ports, trunks and routers: kinds, allocation, and the rows that make them real. */
import type { AdmissionRequest } from '@weft/kernel/contract/system';
import { definePlugin, type Forwarder, type OperationCall } from '@weft/kernel/sdk';
import { admit } from './admission/admit.ts';
import { Committed } from './admission/committed.ts';
import { config } from './config.ts';
import { kinds } from './kinds.ts';
import { capture, captureSpec } from './operations/capture.ts';
import { dropReasonsSpec, explainDrops } from './operations/drop-reasons.ts';
import { drops, dropsSpec } from './operations/drops.ts';
import { routes, routesSpec } from './operations/routes.ts';
import { stats, statsSpec } from './operations/stats.ts';
import { top, topSpec } from './operations/top.ts';
import { trace, traceSpec } from './operations/trace.ts';
import { Phases } from './phases.ts';
import type { KnownRows } from './rows/ecmp.ts';
import { Programmer } from './rows/programmer.ts';

/** What of this plugin's rows in the forwarder depends on the past: ECMP groups. */
async function knownRows(forwarder: Pick<Forwarder, 'rows'>): Promise<KnownRows> {
  const members = await forwarder.rows('member');
  if (members.length === 0) return { routes: [], nexthops: [], members };
  return { routes: await forwarder.rows('route'), nexthops: await forwarder.rows('nexthop'), members };
}

export default definePlugin({
  name: 'network',
  summary: 'Virtual networks, ports, trunks and routers',
  kinds,
  operations: [captureSpec, dropsSpec, dropReasonsSpec, routesSpec, statsSpec, topSpec, traceSpec],
  grants: { rows: ['vrf', 'bridge', 'port', 'mac', 'neighbor', 'nexthop', 'route', 'source', 'member'] },
  // 10,000 ports take 230 MiB.
  limits: { memoryMib: 1024, cpuPercent: 200 },
  config,
  async start(context) {
    const { objects } = context;
    const programmer = new Programmer(objects, context.rows, context.config);
    const phases = new Phases(
      objects,
      (updates) => context.setStatus(updates),
      () => new Date(),
    );
    const committed = new Committed();
    objects.follow((before, after) => committed.note(before, after));
    const known = await knownRows(context.forwarder);
    const replaced = programmer.replace(known);
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
        admit(request, { committed, config: context.config, held: programmer, now: new Date().toISOString() }),
      operations: {
        capture: (input: Parameters<typeof capture>[1], call: OperationCall) => capture(context, input, call),
        drops: (input: { port?: string }, call: OperationCall) => drops(context, input, call),
        'drop-reasons': explainDrops,
        stats: (input: { port?: string }, call: OperationCall) => stats(context, input, call),
        routes: (input: { network?: string }, call: OperationCall) => routes(context, programmer.decisions, input, call),
        top: (input: Parameters<typeof top>[1], call: OperationCall) => top(context, input, call),
        trace: (input: Parameters<typeof trace>[1], call: OperationCall) => trace(context, input, call),
      },
    };
  },
});
