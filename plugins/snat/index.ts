/** `snat`: ways out of networks: shared outside addresses, floating IPs, and the log of who had which outside ports. Wiring only. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Port } from '@weft/kernel/contract/net';
import { type AdmissionRequest, formatKey, keyOf } from '@weft/kernel/contract/system';
import { definePlugin, type OperationCall, PortIndex } from '@weft/kernel/sdk';
import { admit } from './admission/admit.ts';
import { SnatAlarms } from './alarms.ts';
import { snatConfig } from './config.ts';
import { kinds } from './kinds.ts';
import { BlockLog } from './log/block-log.ts';
import { BlockWatch } from './log/watch.ts';
import { snatMetrics } from './metrics.ts';
import { logSpec, tellLog } from './operations/log.ts';
import { natSpec, tellBlocks } from './operations/nat.ts';
import { listPools, poolsSpec } from './operations/pools.ts';
import { PoolUses } from './pool-use.ts';
import { Rounds } from './rounds.ts';
import { Programmer } from './rows/programmer.ts';
import { Site } from './site.ts';

export default definePlugin({
  name: 'snat',
  summary: 'Ways out of networks: shared outside addresses and floating IPs',
  needs: ['network'],
  kinds,
  operations: [natSpec, poolsSpec, logSpec],
  grants: {
    rows: ['nat_address', 'vrf_nat', 'floating_ip', 'route', 'nexthop'],
    reads: ['Uplink', 'Port', 'VirtualNetwork', 'LogicalRouter', 'Alarm'],
  },
  limits: { memoryMib: 512, stateMib: 1024 },
  whenDisabled: 'nothing leaves or reaches virtual networks through uplinks but what is routed natively: its connections are cut off',
  config: snatConfig,
  metrics: snatMetrics,
  async start(context) {
    const { objects, config, forwarder } = context;
    const site = new Site();
    const ports = new PortIndex();
    const programmer = new Programmer(site, context.rows, (updates) => context.setStatus(updates), hostname());
    objects.follow((before, after) => {
      const object = after ?? before;
      if (object === undefined) return;
      if (object.kind === 'Port') ports.put(keyOf(object), after as Port | undefined);
      programmer.touch(site.put(formatKey(keyOf(object)), after));
    });
    const begun = programmer.update();
    // Before the first rows are out: what goes meanwhile must be heard of.
    objects.onChange(async () => {
      await begun;
      await programmer.update();
    });
    await begun;
    const standing = objects
      .list('Alarm')
      .flatMap(({ metadata: { name } }) => (name.startsWith('snat.') ? [name.slice('snat.'.length)] : []));
    const alarms = new SnatAlarms((key, alarm) => context.alarm(key, alarm), standing, Date.now);
    const log = new BlockLog(join(context.stateDir, 'blocks'), config);
    const nameOf = (id: number) => {
      const metadata = ports.get(id)?.metadata;
      return metadata && { project: metadata.project ?? '', port: metadata.name };
    };
    const heard = (...[event, name]: Parameters<SnatAlarms['exhausted']>) => {
      if (event.event === 'exhausted') alarms.exhausted(event, name);
    };
    const watch = new BlockWatch({ forwarder, log, nameOf, heard, now: Date.now });
    const uses = new PoolUses(site);
    snatMetrics(context.metrics, () => ({ addresses: uses.addresses(), rows: programmer.size, events: watch }));
    const rounds = new Rounds({ forwarder, log: context.log, watch, uses, alarms });
    const endRounds = rounds.begin();
    return {
      admit: (request: AdmissionRequest) => admit(request, site, config),
      operations: {
        nat: (input: Parameters<typeof tellBlocks>[2], call: OperationCall) => tellBlocks(context, ports, input, call),
        pools: async (_input: never, call: OperationCall) => {
          await rounds.look();
          return listPools(uses.addresses(), call);
        },
        log: async function* (input: Parameters<typeof tellLog>[2], call: OperationCall) {
          await rounds.catchUp();
          yield* tellLog(log.folder, Date.now(), input, call);
        },
      },
      stop: () => {
        endRounds();
        log.close();
      },
    };
  },
});
