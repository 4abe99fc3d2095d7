/** `GET /v1/backup`: the whole store as one file, as it is at one moment. */
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { ApiParts } from '../parts.ts';
import { flag, queryOf } from '../query.ts';

/** A reader that takes nothing for so long is cut off: what is written meanwhile cannot use the pages that its backup still shows. */
const patienceMs = 60_000;

export function backupRoutes(app: FastifyInstance, { backup }: ApiParts): void {
  app.get('/v1/backup', { config: { access: { verb: 'manage', kind: 'backup' } } }, (request, reply) => {
    const { withKey } = queryOf(request, ['withKey']);
    const content = Readable.from(backup(flag('withKey', withKey)), { objectMode: false });
    reply.raw.setTimeout(patienceMs, () => content.destroy(new Error('its reader stands still')));
    return reply.type('application/octet-stream').send(content);
  });
}
