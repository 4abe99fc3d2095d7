/** `POST /v1/apply`: many objects, one transaction. */
import type { FastifyInstance } from 'fastify';
import { fail } from '../../../contract/system/index.ts';
import { nameProblem, nameRule } from '../../registry/index.ts';
import { authorize } from '../../rights/index.ts';
import type { ApiParts } from '../parts.ts';
import { changing, flag, isDryRun, mediaTypeOf, number, queryOf, refusePrecondition } from '../query.ts';

/** A day. */
const longestTrialSeconds = 86_400;

export function applyRoutes(app: FastifyInstance, { pipeline, parser, metrics, confirmations }: ApiParts): void {
  app.post('/v1/apply', { config: { access: { verb: 'update', kind: 'objects' } } }, async (request) => {
    const query = queryOf(request, ['dryRun', 'project', 'cascade', 'confirm']);
    refusePrecondition(request);
    const dryRun = isDryRun(request, query.dryRun);
    const { project } = query;
    const problem = project === undefined ? null : nameProblem(project);
    if (problem !== null) throw fail('MALFORMED', `the query parameter "project": ${problem}`, nameRule);
    if (!Buffer.isBuffer(request.body)) throw fail('MALFORMED', 'the body is empty', 'send objects as JSON or YAML');
    const task = { bytes: request.body, type: mediaTypeOf(request), ...(project === undefined ? {} : { project }) };
    const body = await parser.parse(task);
    const cascade = body.cascade || flag('cascade', query.cascade);
    const seconds = number('confirm', query.confirm, longestTrialSeconds);
    if (seconds !== undefined) authorize(request.identity, 'update', 'trials');
    const trial = seconds === undefined ? {} : { trialMs: seconds * 1_000 };
    const asked = { ...body, ...trial, ...changing(request), cascade, dryRun, missingOk: false };
    const reply = await metrics.timeApply(() => pipeline.apply(asked));
    request.trail.revision = reply.revision;
    if (reply.trial !== undefined) confirmations.watch();
    return reply;
  });
}
