/** `DELETE` of one object, of whatever kind. */
import type { FastifyRequest } from 'fastify';
import type { ObjectKey } from '../../contract/system/index.ts';
import type { ApplyReply } from '../apply/index.ts';
import type { ApiParts } from './parts.ts';
import { changing, flag, isDryRun, preconditionOf, queryOf } from './query.ts';

export async function removeOne({ pipeline }: Pick<ApiParts, 'pipeline'>, request: FastifyRequest, key: ObjectKey): Promise<ApplyReply> {
  const query = queryOf(request, ['cascade', 'dryRun']);
  const ifMatch = preconditionOf(request);
  const reply = await pipeline.apply({
    apply: [],
    remove: [{ key, ...(ifMatch === undefined ? {} : { ifMatch }) }],
    cascade: flag('cascade', query.cascade),
    dryRun: isDryRun(request, query.dryRun),
    missingOk: false,
    ...changing(request),
  });
  request.trail.revision = reply.revision;
  return reply;
}
