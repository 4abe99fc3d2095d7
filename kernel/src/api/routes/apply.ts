/** `POST /v1/apply`: many objects, one transaction. */
import type { FastifyInstance } from 'fastify';
import { fail } from '../../../contract/system/index.ts';
import { nameProblem, nameRule } from '../../registry/index.ts';
import { authorize } from '../authorize.ts';
import type { ApiParts } from '../parts.ts';
import { flag, mediaTypeOf, queryOf } from '../query.ts';

export function applyRoutes(app: FastifyInstance, { pipeline, parser, metrics }: ApiParts): void {
  app.post('/v1/apply', { config: { access: { verb: 'update', kind: 'objects' } } }, async (request) => {
    const query = queryOf(request, ['dryRun', 'project', 'cascade']);
    const dryRun = flag('dryRun', query.dryRun);
    const { project } = query;
    const problem = project === undefined ? null : nameProblem(project);
    if (problem !== null) throw fail('MALFORMED', `the query parameter "project": ${problem}`, nameRule);
    if (!Buffer.isBuffer(request.body)) throw fail('MALFORMED', 'the body is empty', 'send objects as JSON or YAML');
    const task = { bytes: request.body, type: mediaTypeOf(request), ...(project === undefined ? {} : { project }) };
    const body = await parser.parse(task);
    for (const { key } of body.apply) authorize(request.identity, 'update', key.kind, key.project);
    for (const { key } of body.remove) authorize(request.identity, 'delete', key.kind, key.project);
    const cascade = body.cascade || flag('cascade', query.cascade);
    return await metrics.timeApply(() => pipeline.apply({ ...body, cascade, dryRun, missingOk: false, subject: request.identity.subject }));
  });
}
