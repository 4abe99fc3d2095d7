/** `link-local`: services of the outside at addresses that every VM reaches. Wiring only. */
import type { VirtualNetwork } from '@weft/kernel/contract/net';
import { definePlugin, deniedPrefixes, type OperationCall } from '@weft/kernel/sdk';
import { admit } from './admission.ts';
import { Broker } from './broker.ts';
import { catalogue } from './catalogue.ts';
import { Changes } from './changes.ts';
import { linkLocalConfig } from './config.ts';
import { type LinkLocalService, linkLocalServiceKind } from './kinds.ts';
import { Listeners } from './listeners.ts';
import { linkLocalMetrics } from './metrics.ts';
import { Names } from './names.ts';
import { linkLocalOperations } from './operations.ts';
import { serviceRows } from './service-rows.ts';

export default definePlugin({
  name: 'link-local',
  summary: 'Leads VMs to services of the outside, at addresses that each of them reaches.',
  needs: ['network'],
  kinds: [linkLocalServiceKind],
  operations: linkLocalOperations,
  grants: { rows: ['service'], reads: ['Port', 'VirtualNetwork'], outside: true, servicePort: true },
  config: linkLocalConfig,
  metrics: linkLocalMetrics,
  async start(context) {
    const { objects, rows, metrics } = context;
    const denied = deniedPrefixes(context.name, context.config.deniedUpstreams);
    const broker = new Broker(context, new Names(denied));
    const listeners = new Listeners(context, broker);
    linkLocalMetrics(metrics, () => broker);
    const served = Promise.withResolvers<void>();
    const changes = new Changes(objects);
    let first = true;
    objects.onChange(async (changed) => {
      const concerns = changes.note(changed) || first;
      first = false;
      broker.learn(changed);
      if (!concerns) return;
      const made = catalogue(objects.list<LinkLocalService>('LinkLocalService'), objects.list<VirtualNetwork>('VirtualNetwork'));
      const entries = [...made.entries.values()];
      broker.serve(made);
      // Who is led here must find somebody.
      await listeners.set(entries);
      await rows.replace(serviceRows(entries));
      served.resolve();
    });
    await served.promise;
    return {
      admit: (request) => admit(request, objects, denied),
      operations: { upstreams: async (_input: never, call: OperationCall) => ({ items: await broker.list(call.project) }) },
      stop: () => broker.close(),
    };
  },
});
