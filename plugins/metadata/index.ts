/** `metadata`: tells each VM who it is, in the layouts of OpenStack and EC2 or in the words of a Nova. Wiring only. */
import type { VirtualNetwork } from '@weft/kernel/contract/net';
import { definePlugin, deniedPrefixes, type OperationCall } from '@weft/kernel/sdk';
import { admit } from './admission.ts';
import { Tokens, tokenKey } from './builtin/token.ts';
import { Claims } from './claims.ts';
import { metadataConfig } from './config.ts';
import { Directory } from './directory.ts';
import { Responder } from './http/responder.ts';
import { MetadataServer } from './http/server.ts';
import { Tally } from './http/tally.ts';
import { kinds } from './kinds.ts';
import { metadataMetrics } from './metrics.ts';
import { listRequests, metadataOperations } from './operations.ts';
import { Health } from './proxy/health.ts';
import { Upstreams } from './proxy/upstreams.ts';
import { httpPort, serviceRows } from './service-rows.ts';

export default definePlugin({
  name: 'metadata',
  summary: 'Tells each VM who it is: the metadata services of OpenStack and EC2, or a proxy to Nova’s.',
  needs: ['network'],
  kinds,
  operations: metadataOperations,
  grants: { rows: ['service'], reads: ['Port', 'VirtualNetwork', 'Project', 'Secret'], outside: true, servicePort: true },
  // 4,096 connections with a head of 8 KiB each, and as many requests that wait, beside what Node takes itself.
  limits: { memoryMib: 512 },
  config: metadataConfig,
  metrics: metadataMetrics,
  async start(context) {
    const { config, objects } = context;
    const denied = deniedPrefixes(context.name, config.deniedUpstreams);
    const claims = new Claims();
    const directory = new Directory(objects, claims, config);
    const health = new Health(context);
    const upstreams = new Upstreams(objects, health, config.proxySockets, denied);
    const tokens = new Tokens(tokenKey(context.stateDir), Date.now);
    const tally = new Tally();
    const responder = new Responder({ directory, tokens, upstreams, health, tally, config });
    const server = new MetadataServer(directory, config, tally, responder);
    metadataMetrics(context.metrics, () => ({ tally, connections: server.connections, cachedBytes: directory.sites.bytes }));
    objects.follow((before, after) => {
      const gone = directory.follow(before, after);
      if (gone !== undefined) server.portGone(gone);
    });
    const program = (): Promise<void> =>
      context.rows.replace(serviceRows(objects.list<VirtualNetwork>('VirtualNetwork'), (network) => directory.policy(network)));
    await context.servicePort.listenTcp(httpPort, (socket, asker) => server.accept(socket, asker));
    // Before the first rows are out: what goes meanwhile must be heard of.
    objects.onChange(async (changed) => {
      const kindsChanged = new Set(changed.map(({ kind }) => kind));
      if (kindsChanged.has('Metadata') || kindsChanged.has('Secret')) {
        upstreams.refresh();
        await health.publish();
      }
      if (kindsChanged.has('Metadata') || kindsChanged.has('VirtualNetwork')) await program();
    });
    await program();
    return {
      admit: (request) => admit(request, objects, claims, denied, new Date().toISOString()),
      operations: { requests: (_input: never, call: OperationCall) => ({ items: listRequests(server.accounts, call) }) },
      stop: () => {
        health.stop();
        server.stop();
      },
    };
  },
});
