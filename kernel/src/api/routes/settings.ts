/** `GET /v1/settings`: what can be set, as one JSON Schema. What is set stands in the host's file, and with each plugin. */
import type { FastifyInstance } from 'fastify';
import { settingsSchema } from '../../config/index.ts';
import type { ApiParts } from '../parts.ts';
import { queryOf } from '../query.ts';

export function settingRoutes(app: FastifyInstance, { registry }: ApiParts): void {
  app.get('/v1/settings', { config: { access: { verb: 'get', kind: 'kinds' } } }, (request) => {
    queryOf(request, []);
    const schemas = registry.plugins.flatMap(({ name, manifest }) => (manifest === null ? [] : [[name, manifest.config] as const]));
    return settingsSchema(Object.fromEntries(schemas));
  });
}
