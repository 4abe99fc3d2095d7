/** `GET /v1/audit`: who asked to change something, newest first. */
import type { FastifyInstance } from 'fastify';
import { fail } from '../../../contract/system/index.ts';
import type { AuditLine } from '../audit.ts';
import { newestLines } from '../log-file.ts';
import type { ApiParts } from '../parts.ts';
import { number, queryOf } from '../query.ts';

const defaultItems = 100;
const maxItems = 10_000;

export function auditRoutes(app: FastifyInstance, { logDir }: ApiParts): void {
  app.get('/v1/audit', { config: { access: { verb: 'list', kind: 'audit' } } }, async (request) => {
    const { since, subject, limit: count } = queryOf(request, ['since', 'subject', 'limit']);
    const limit = number('limit', count, maxItems) ?? defaultItems;
    const begin = since === undefined ? 0 : Date.parse(since);
    if (Number.isNaN(begin)) throw fail('MALFORMED', `since=${since?.slice(0, 40)} is no time`, 'write one like 2030-01-31T08:00:00Z');
    const items: AuditLine[] = [];
    for await (const text of newestLines(`${logDir}/audit.log`)) {
      const line = parse(text);
      if (line === null) continue;
      if (items.length >= limit || Date.parse(line.time) < begin) break;
      if (subject === undefined || line.subject === subject) items.push(line);
    }
    return { items };
  });
}

/** null for what is no whole line: the disk was full, the machine fell, or the log was cut there. */
function parse(text: string): AuditLine | null {
  try {
    return JSON.parse(text) as AuditLine;
  } catch {
    return null;
  }
}
