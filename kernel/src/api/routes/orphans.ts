/** Paths of kinds that nobody serves any more: they tell why, and what is there may be thrown away. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { tellOrphans } from '../../apply/index.ts';
import type { OrphanKind } from '../../registry/index.ts';
import type { Verb } from '../../rights/index.ts';
import type { ApiParts } from '../parts.ts';
import { removeOne } from '../remove-one.ts';

const verbs = { GET: 'get', PUT: 'update', PATCH: 'update' } as const;

export function orphanRoutes(app: FastifyInstance, parts: ApiParts): void {
  for (const orphan of parts.registry.orphans) routesOf(app, parts, orphan);
}

function routesOf(app: FastifyInstance, parts: ApiParts, orphan: OrphanKind): void {
  const { store, registry, pipeline } = parts;
  const { kind, plural, scope } = orphan;
  const collection = scope === 'system' ? `/v1/${plural}` : `/v1/:project/${plural}`;
  const single = `${collection}/:name`;
  const access = (verb: Verb) => ({ access: { verb, kind } });
  const refuse = (): never => {
    throw registry.unserved(orphan);
  };
  app.route({ method: 'GET', url: collection, config: access('list'), handler: refuse });
  app.route({ method: 'POST', url: collection, config: access('create'), handler: refuse });
  for (const method of ['GET', 'PUT', 'PATCH'] as const) app.route({ method, url: single, config: access(verbs[method]), handler: refuse });
  app.delete(single, { config: access('delete') }, async (request: FastifyRequest) => {
    const { project, name } = request.params as { project?: string; name: string };
    const key = project === undefined ? { kind, name } : { kind, project, name };
    const reply = await removeOne(parts, request, key);
    if (!request.trail.dryRun) await tellOrphans(store, registry, pipeline);
    return reply;
  });
}
