/** How the appliance is: status, kinds, metrics, health. */
import type { FastifyInstance } from 'fastify';
import { fail } from '../../../contract/system/index.ts';
import type { ApiParts } from '../parts.ts';
import { queryOf } from '../query.ts';
import { residentBytes } from '../resident.ts';

export function statusRoutes(app: FastifyInstance, parts: ApiParts): void {
  const { store, registry, plugins, metrics, version } = parts;
  const read = (kind: string) => ({ config: { access: { verb: 'get', kind } } }) as const;

  app.get('/v1/status', read('status'), (request) => {
    queryOf(request, []);
    const all = plugins.list();
    const forwarder = plugins.forwarder();
    const alarms = store.list('Alarm');
    return {
      healthy:
        unreadyOf(parts).length === 0 && forwarder.state === 'running' && alarms.every(({ status }) => status.severity !== 'critical'),
      kernel: {
        version,
        pid: process.pid,
        uptimeSeconds: Math.floor(process.uptime()),
        revision: store.revision,
        rssBytes: residentBytes(process.pid),
      },
      forwarder,
      plugins: all.map(({ name, version: of, state, reason, pid, restarts, rssBytes, limits }) => {
        return { name, version: of, state, reason, pid, restarts, rssBytes, limits };
      }),
      enforcement: all[0]?.enforcement ?? null,
      counts: store.counts,
      alarms,
    };
  });
  app.get('/v1/kinds', read('kinds'), (request) => {
    queryOf(request, []);
    return registry.kinds.map(({ plugin, spec }) => ({ plugin, ...spec }));
  });
  app.get('/metrics', read('metrics'), async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()));
  app.get('/healthz', read('health'), () => ({ status: 'ok' }));
  app.get('/readyz', read('health'), () => {
    const unready = unreadyOf(parts);
    if (unready.length > 0) throw fail('UNAVAILABLE', `not ready: ${unready.join(', ')}`, 'weft status tells why');
    return { status: 'ready' };
  });
}

/** Enabled plugins that do not serve. */
function unreadyOf({ plugins }: ApiParts): string[] {
  return plugins.list().flatMap(({ name, enabled, state }) => (enabled && state !== 'running' ? [name] : []));
}
