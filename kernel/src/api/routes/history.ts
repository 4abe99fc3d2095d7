/** What was: the log of changes, the way back, and changes on trial. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { fail, keyOf, type ObjectKey } from '../../../contract/system/index.ts';
import { touched } from '../../apply/index.ts';
import type { LogEntry } from '../../store/index.ts';
import type { ApiParts } from '../parts.ts';
import { flag, number, queryOf } from '../query.ts';

const defaultItems = 100;
const maxItems = 10_000;

interface PastChange extends Pick<LogEntry, 'revision' | 'transaction' | 'time' | 'subject' | 'type'> {
  readonly key: ObjectKey;
  /** Fields of an update, as JSON pointers. */
  readonly touched: readonly string[];
}

export function historyRoutes(app: FastifyInstance, parts: ApiParts): void {
  const { store, registry, pipeline, confirmations } = parts;

  app.get('/v1/history', { config: { access: { verb: 'list', kind: 'history' } } }, (request) => {
    const query = queryOf(request, ['kind', 'project', 'name', 'until', 'limit', 'status']);
    const kind = query.kind === undefined ? undefined : registry.require(query.kind).spec.kind;
    const withStatus = flag('status', query.status);
    const items = store
      .past(number('until', query.until))
      .filter(
        ({ object }) => (kind === undefined || object.kind === kind) && (query.name === undefined || object.metadata.name === query.name),
      )
      .filter(({ object }) => query.project === undefined || object.metadata.project === query.project)
      .map(pastChange)
      .filter((change) => withStatus || change.type !== 'updated' || change.touched.some((pointer) => !pointer.startsWith('/status/')))
      .take(number('limit', query.limit, maxItems) ?? defaultItems);
    return { revision: store.revision, floor: store.floor, items: [...items] };
  });

  app.post('/v1/rollback', { config: { access: { verb: 'update', kind: 'rollback' } } }, async (request) => {
    const query = queryOf(request, ['revision', 'dryRun']);
    const revision = number('revision', query.revision);
    if (revision === undefined)
      throw fail('MALFORMED', 'the query parameter "revision" is missing', 'say where to go back to: weft history');
    return await pipeline.rollback(revision, flag('dryRun', query.dryRun), request.identity.subject);
  });

  app.get('/v1/trials', { config: { access: { verb: 'list', kind: 'trials' } } }, (request) => {
    queryOf(request, []);
    return { items: confirmations.list() };
  });
  const decide = { config: { access: { verb: 'update', kind: 'trials' } } } as const;
  app.post('/v1/trials/:number/confirm', decide, (request) => confirmations.confirm(trialNumber(request)));
  app.post('/v1/trials/:number/revert', decide, (request) => confirmations.revert(trialNumber(request)));
}

function pastChange(entry: LogEntry): PastChange {
  const { revision, transaction, time, subject, type, object, before = null } = entry;
  const after = type === 'deleted' ? null : object;
  return { revision, transaction, time, subject, type, key: keyOf(object), touched: touched({ before, after }) };
}

function trialNumber(request: FastifyRequest): number {
  queryOf(request, []);
  const { number: text } = request.params as { number: string };
  const value = number('the number of the trial', text);
  if (value === undefined) throw fail('MALFORMED', 'the number of the trial is missing');
  return value;
}
