/** `dns`: names of ports for their own networks, all others from upstreams. Wiring only. */
import type { VirtualNetwork } from '@weft/kernel/contract/net';
import { keyOf } from '@weft/kernel/contract/system';
import { definePlugin } from '@weft/kernel/sdk';
import { Type } from 'typebox';
import { dnsConfig } from './config.ts';
import { kinds } from './kinds.ts';
import { dnsMetrics } from './metrics.ts';
import { upstreamsOperation } from './resolver/operation.ts';
import { setUpResolver } from './resolver/setup.ts';
import { serveNames } from './service.ts';
import { serverPort, serviceRows } from './service-rows.ts';

const puntClass = 'dns';

const counter = Type.Object({
  name: Type.String({ description: 'What became of queries' }),
  count: Type.Integer({ description: 'How many' }),
});

export default definePlugin({
  name: 'dns',
  summary: 'Answers names of ports to their own networks and forwards all others to upstream servers.',
  needs: ['network'],
  kinds,
  operations: [
    {
      name: 'counters',
      summary: 'Count queries by what became of them since the plugin started.',
      stream: false,
      input: Type.Object({}, { additionalProperties: false }),
      output: Type.Object({ items: Type.Array(counter, { description: 'One for each outcome that occurred' }) }),
      bundle: true,
    },
    upstreamsOperation,
  ],
  puntClasses: [{ name: puntClass, rate: 20_000, burst: 4000, portRate: 2000, portBurst: 500 }],
  grants: { rows: ['service'], reads: ['Port', 'VirtualNetwork', 'LogicalRouter'], outside: true, servicePort: true },
  config: dnsConfig,
  metrics: dnsMetrics,
  async start(context) {
    const names = setUpResolver(context);
    const service = serveNames(context, names.resolver);
    dnsMetrics(context.metrics, service.counters, names.gauges);
    const program = (): Promise<void> =>
      context.rows.replace(serviceRows(context.objects.list<VirtualNetwork>('VirtualNetwork'), context.punts.classNumber(puntClass)));
    context.punts.on(puntClass, (records) => service.udp.handle(records));
    const listening = context.servicePort.listenTcp(serverPort, (socket, asker) => service.tcp.accept(socket, asker));
    // Before the first rows are out: what goes meanwhile must be heard of.
    context.objects.onChange(async (changed) => {
      if (changed.some((key) => key.kind === 'VirtualNetwork')) await program();
      // Not awaited: rows need not wait for what the kernel writes down.
      void service.changed(changed);
    });
    await Promise.all([program(), listening]);
    // Networks may have changed while nobody was here.
    void service.changed(context.objects.list<VirtualNetwork>('VirtualNetwork').map(keyOf));
    return {
      admit: service.admit,
      operations: {
        counters: () => ({ items: service.counters() }),
        upstreams: names.show,
      },
      stop: names.stop,
    };
  },
});
