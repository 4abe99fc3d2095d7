/** `GET /v1/watch`: changes as server-sent events. */
import type { FastifyInstance } from 'fastify';
import { keyOf } from '../../../contract/system/index.ts';
import { shown } from '../../apply/index.ts';
import { may } from '../../rights/index.ts';
import type { ApiParts } from '../parts.ts';
import { number, projectOf, queryOf } from '../query.ts';
import { type ServerSentEvent, sendEvents } from '../sse.ts';

export function watchRoutes(app: FastifyInstance, { store, registry }: ApiParts): void {
  app.get('/v1/watch', { config: { access: { verb: 'watch', kind: 'objects' } } }, async (request, reply) => {
    const query = queryOf(request, ['kinds', 'since', 'project']);
    const words = query.kinds?.split(',').filter((word) => word !== '') ?? [];
    const kinds = words.length === 0 ? null : new Set(words.map((word) => registry.require(word).spec.kind));
    // a browser that reconnects says where it was
    const resumed = number('Last-Event-ID', request.headers['last-event-id']?.toString());
    const since = resumed ?? number('since', query.since) ?? store.revision;
    store.assertReachable(since);
    await sendEvents(request, reply, (signal) => events(signal));

    async function* events(signal: AbortSignal): AsyncGenerator<ServerSentEvent[]> {
      for await (const batch of store.watch(since, kinds, signal)) {
        const identity = request.renew();
        const seen = batch
          .filter(({ object }) => query.project === undefined || object.metadata.project === query.project)
          .filter(({ object }) => may(identity, 'watch', object.kind, projectOf(keyOf(object))));
        if (seen.length > 0) yield seen.map(({ revision, type, object }) => ({ id: revision, event: type, data: shown(object) }));
      }
    }
  });
}
