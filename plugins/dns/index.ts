/** `dns`: names of ports for their own networks, all others from upstreams. Wiring only. */
import type { VirtualNetwork } from '@weft/kernel/contract/net';
import { definePlugin } from '@weft/kernel/sdk';
import { Type } from 'typebox';
import { configuredUpstreams, dnsConfig } from './config.ts';
import { dnsMetrics } from './metrics.ts';
import { Resolver } from './resolver/resolver.ts';
import { exchangeOverUdp, hostUpstreams } from './resolver/upstream.ts';
import { DnsServer } from './server.ts';
import { serviceRows } from './service-rows.ts';

const puntClass = 'dns';
const resolvConf = '/etc/resolv.conf';

const counter = Type.Object({
  name: Type.String({ description: 'What became of queries' }),
  count: Type.Integer({ description: 'How many' }),
});

export default definePlugin({
  name: 'dns',
  summary: 'Answers names of ports to their own networks and forwards all others to upstream servers.',
  needs: ['network'],
  operations: [
    {
      name: 'counters',
      summary: 'Count queries by what became of them since the plugin started.',
      stream: false,
      input: Type.Object({}, { additionalProperties: false }),
      output: Type.Object({ items: Type.Array(counter, { description: 'One for each outcome that occurred' }) }),
      bundle: true,
    },
  ],
  puntClasses: [{ name: puntClass, rate: 20_000, burst: 4000, portRate: 2000, portBurst: 500 }],
  grants: { rows: ['service'], reads: ['Port', 'VirtualNetwork', 'LogicalRouter'], outside: true },
  config: dnsConfig,
  metrics: dnsMetrics,
  async start(context) {
    const { config } = context;
    const fixed = configuredUpstreams(config);
    const cache = {
      entries: config.cacheEntries,
      minSeconds: config.cacheMinSeconds,
      maxSeconds: config.cacheMaxSeconds,
      maxNegativeSeconds: config.cacheNegativeMaxSeconds,
    };
    const upstreams = fixed === undefined ? hostUpstreams(resolvConf, Date.now) : () => fixed;
    const server = new DnsServer(context, new Resolver({ ...config, cache }, upstreams, exchangeOverUdp, Date.now));
    dnsMetrics(context.metrics, () => server.counters());
    const program = (): Promise<void> =>
      context.rows.replace(serviceRows(context.objects.list<VirtualNetwork>('VirtualNetwork'), context.punts.classNumber(puntClass)));
    context.punts.on(puntClass, (records) => void server.handle(records));
    // Before the first rows are out: what goes meanwhile must be heard of.
    context.objects.onChange(async (changed) => {
      server.refresh(changed);
      if (changed.some((key) => key.kind === 'VirtualNetwork')) await program();
    });
    await program();
    return { operations: { counters: () => ({ items: server.counters() }) } };
  },
});
