/** What was: the log of changes, the way back, and changes on trial. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { fail, keyOf, type ObjectKey } from '../../../contract/system/index.ts';
import { touched } from '../../apply/index.ts';
import type { LogEntry } from '../../store/index.ts';
import type { ApiParts } from '../parts.ts';
import { flag, isDryRun, number, queryOf, refusePrecondition } from '../query.ts';

const defaultItems = 100;
const maxItems = 10_000;
/** Entries looked at for one answer: all else waits meanwhile. */
const maxLooked = 10_000;

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
    const wanted = ({ object }: LogEntry): boolean =>
      (kind === undefined || object.kind === kind) &&
      (query.name === undefined || object.metadata.name === query.name) &&
      (query.project === undefined || object.metadata.project === query.project);
    const limit = number('limit', query.limit, maxItems) ?? defaultItems;
    const part = pastChanges(store.past(number('until', query.until)), wanted, withStatus, limit);
    return { revision: store.revision, floor: store.floor, ...part };
  });

  app.post('/v1/rollback', { config: { access: { verb: 'update', kind: 'rollback' } } }, async (request) => {
    const query = queryOf(request, ['revision', 'dryRun']);
    refusePrecondition(request);
    const revision = number('revision', query.revision);
    if (revision === undefined)
      throw fail('MALFORMED', 'the query parameter "revision" is missing', 'say where to go back to: weft history');
    const reply = await pipeline.rollback(revision, isDryRun(request, query.dryRun), request.identity.subject);
    request.trail.revision = reply.revision;
    for (const { key, action } of reply.results) if (action !== 'unchanged') request.trail.add(key);
    return reply;
  });

  app.get('/v1/trials', { config: { access: { verb: 'list', kind: 'trials' } } }, (request) => {
    queryOf(request, []);
    return { items: confirmations.list() };
  });
  const decide = { config: { access: { verb: 'update', kind: 'trials' } } } as const;
  app.post('/v1/trials/:number/confirm', decide, (request) => confirmations.confirm(trialNumber(request)));
  app.post('/v1/trials/:number/revert', decide, (request) => confirmations.revert(trialNumber(request)));
}

/** @returns what was found, and where to go on; null at the end of the log */
function pastChanges(
  entries: Iterable<LogEntry>,
  wanted: (entry: LogEntry) => boolean,
  withStatus: boolean,
  limit: number,
): { items: PastChange[]; next: number | null } {
  const items: PastChange[] = [];
  let looked = 0;
  for (const entry of entries) {
    if (items.length === limit || looked === maxLooked) return { items, next: entry.revision };
    looked += 1;
    if (!wanted(entry)) continue;
    const change = pastChange(entry);
    const isStatus = change.touched.length > 0 && change.touched.every((pointer) => pointer.startsWith('/status/'));
    if (withStatus || !isStatus) items.push(change);
  }
  return { items, next: null };
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
