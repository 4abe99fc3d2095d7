/** Virtual networks, ports, trunks, routers and uplinks: kinds, allocation, and the rows that make them real. */
import type { AdmissionRequest } from '@weft/kernel/contract/system';
import { definePlugin, type Forwarder, type OperationCall } from '@weft/kernel/sdk';
import { admit } from './admission/admit.ts';
import { Committed } from './admission/committed.ts';
import { config } from './config.ts';
import { FlowAlarm } from './flow-alarm.ts';
import { GatewayWatch } from './gateway-watch.ts';
import { kinds } from './kinds.ts';
import { LastNumber } from './last-number.ts';
import { capture, captureSpec } from './operations/capture.ts';
import { dropReasonsSpec, explainDrops } from './operations/drop-reasons.ts';
import { drops, dropsSpec } from './operations/drops.ts';
import { flows, flowsSpec } from './operations/flows.ts';
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

/** Only to say in answers what they are called, and which way out snat has made: no row depends on them. */
const namesOnly: readonly string[] = ['SecurityGroup', 'SnatPool', 'FloatingIp'];

export default definePlugin({
  name: 'network',
  summary: 'Virtual networks, ports, trunks, routers and uplinks',
  kinds,
  operations: [captureSpec, dropsSpec, dropReasonsSpec, flowsSpec, routesSpec, statsSpec, topSpec, traceSpec],
  grants: { rows: ['vrf', 'bridge', 'port', 'mac', 'neighbor', 'nexthop', 'route', 'source', 'member', 'gateway'], reads: [...namesOnly] },
  // 10,000 ports take 230 MiB.
  limits: { memoryMib: 1024, cpuPercent: 200 },
  config,
  async start(context) {
    const { objects } = context;
    const programmer = new Programmer(objects, context.rows, { ...context.config, policy: context.installed.includes('policy') });
    const phases = new Phases(
      objects,
      (updates) => context.setStatus(updates),
      () => new Date(),
    );
    const lastLink = new LastNumber(context.stateDir);
    const committed = new Committed(lastLink.value);
    objects.follow((before, after) => {
      committed.note(before, after);
      lastLink.keep(committed.lastLinkId);
    });
    const known = await knownRows(context.forwarder);
    const replaced = programmer.replace(known);
    // Before the first rows are out: what goes meanwhile must be heard of.
    objects.onChange(async (news) => {
      const changed = news.filter(({ kind }) => !namesOnly.includes(kind));
      await replaced;
      await programmer.update(changed);
      // Not awaited: the next rows need not wait until the kernel has the status.
      void phases.published(changed);
    });
    await replaced;
    const generations = new Map<number, number>();
    context.forwarder.onPorts((ports, removed) => {
      for (const id of removed) generations.delete(id);
      for (const { id, generation } of ports) generations.set(id, generation);
      void phases.ports(ports, removed);
    });
    const stops = [
      new FlowAlarm(() => context.forwarder.flowStats(), context.alarm).watch(),
      new GatewayWatch(context, generations).watch(),
    ];
    return {
      admit: (request: AdmissionRequest) =>
        admit(request, { committed, config: context.config, held: programmer, now: new Date().toISOString() }),
      stop: () => {
        for (const stop of stops) stop();
      },
      operations: {
        capture: (input: Parameters<typeof capture>[1], call: OperationCall) => capture(context, input, call),
        drops: (input: { port?: string }, call: OperationCall) => drops(context, input, call),
        'drop-reasons': explainDrops,
        flows: (input: Parameters<typeof flows>[2], call: OperationCall) => flows(context, generations, input, call),
        stats: (input: { port?: string }, call: OperationCall) => stats(context, input, call),
        routes: (input: { network?: string }, call: OperationCall) => routes(context, programmer.decisions, input, call),
        top: (input: Parameters<typeof top>[1], call: OperationCall) => top(context, input, call),
        trace: (input: Parameters<typeof trace>[1], call: OperationCall) => trace(context, input, call),
      },
    };
  },
});
