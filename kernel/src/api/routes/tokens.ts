/** `POST /v1/tokens/{name}/issue`: the one moment in which a token is seen. */
import type { FastifyInstance } from 'fastify';
import { tokenKind } from '../../registry/index.ts';
import type { ApiParts } from '../parts.ts';
import { queryOf } from '../query.ts';

export function tokenRoutes(app: FastifyInstance, { tokens }: ApiParts): void {
  app.post('/v1/tokens/:name/issue', { config: { access: { verb: 'update', kind: tokenKind.kind } } }, async (request, reply) => {
    queryOf(request, []);
    const { name } = request.params as { name: string };
    const token = await tokens.issue(name);
    return reply.header('cache-control', 'no-store').send({ token });
  });
}
