/** The parts that answer questions, put together. */
import type { AdmissionReply, AdmissionRequest, ObjectKey } from '@weft/kernel/contract/system';
import type { PluginContext } from '@weft/kernel/sdk';
import { Answerer } from './answerer.ts';
import type { DnsConfig } from './config.ts';
import { RateLimit } from './rate-limit.ts';
import type { Resolver } from './resolver/resolver.ts';
import { DnsServer } from './server.ts';
import { TcpServer } from './tcp-server.ts';
import { admitRecords } from './zone/admit.ts';
import { Directory } from './zone/directory.ts';
import { staleStatuses } from './zone/statuses.ts';

interface Count {
  readonly name: string;
  readonly count: number;
}

export interface Service {
  readonly udp: DnsServer;
  readonly tcp: TcpServer;
  readonly admit: (request: AdmissionRequest) => AdmissionReply;
  /** Takes up what changed of the networks. */
  readonly changed: (keys: readonly ObjectKey[]) => Promise<void>;
  /** What became of queries. */
  readonly counters: () => readonly Count[];
}

export function serveNames(context: PluginContext<DnsConfig>, resolver: Resolver): Service {
  const { config, objects, punts, log } = context;
  const now = (): number => performance.now();
  const directory = new Directory(objects, config.ttlSeconds);
  const answerer = new Answerer({ config, resolver, serial: () => objects.revision, now });
  const limit = new RateLimit(config.responsesPerSecond, config.responseBurst);
  const udp = new DnsServer({ log, punts, directory, answerer, limit, now });
  const limits = { most: config.tcpConnections, mostPerPort: config.tcpConnectionsPerPort, idleMs: config.tcpIdleSeconds * 1000 };
  const tcp = new TcpServer({ directory, answerer, limit, now, ...limits });
  const limitsOfRecords = { count: config.recordsPerNetwork, bytes: config.recordBytesPerNetwork };
  return {
    udp,
    tcp,
    admit: (request) => admitRecords(request, { objects, directory, limits: limitsOfRecords }),
    changed: async (keys) => {
      const stale = staleStatuses(keys, objects, directory);
      if (stale.length > 0) await context.setStatus(stale);
    },
    counters: () => {
      const queries = udp.counters.queries + tcp.counters.tcpQueries;
      const dropped = answerer.counters.dropped + udp.counters.dropped;
      const all = { ...answerer.counters, ...udp.counters, queries, dropped, ...tcp.counters, ...resolver.counters };
      return Object.entries(all).map(([name, count]) => ({ name, count }));
    },
  };
}
