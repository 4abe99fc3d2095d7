/** `GET /v1/watch`: changes as server-sent events. */
import type { FastifyInstance } from 'fastify';
import type { ApiParts } from '../parts.ts';
import { number, queryOf } from '../query.ts';
import { Watchers } from '../watchers.ts';

export function watchRoutes(app: FastifyInstance, { store, registry, maxWatchers }: ApiParts): void {
  const watchers = new Watchers(store, maxWatchers);
  app.addHook('preClose', () => watchers.close());
  // a HEAD would have to wait for the end of what has none
  const options = { config: { access: { verb: 'watch', kind: 'objects' } }, exposeHeadRoute: false } as const;
  app.get('/v1/watch', options, async (request, reply) => {
    const query = queryOf(request, ['kinds', 'since', 'project']);
    const words = query.kinds?.split(',').filter((word) => word !== '') ?? [];
    const kinds = words.length === 0 ? null : new Set(words.map((word) => registry.require(word).spec.kind));
    for (const kind of kinds ?? []) registry.assertServed(kind);
    // a browser that reconnects says where it was
    const resumed = number('Last-Event-ID', request.headers['last-event-id']?.toString());
    const since = resumed ?? number('since', query.since) ?? store.revision;
    watchers.add(request, reply, { kinds, project: query.project, since });
    return reply;
  });
}
