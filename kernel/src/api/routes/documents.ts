/** The API's description, for machines and for people. */
import type { FastifyInstance } from 'fastify';
import { docsPage } from '../docs-page.ts';
import { openapiOf } from '../openapi.ts';
import type { ApiParts } from '../parts.ts';

export function documentRoutes(app: FastifyInstance, { registry, version }: ApiParts): void {
  const access = { config: { access: { verb: 'get', kind: 'documents' } } } as const;
  const description = openapiOf(registry, version);
  const page = docsPage(description);
  app.get('/openapi.json', access, () => description);
  app.get('/docs', access, (_request, reply) => reply.type('text/html; charset=utf-8').send(page));
}
