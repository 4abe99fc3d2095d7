/** Reading query parameters, headers and small bodies. */
import type { FastifyRequest } from 'fastify';
import { fail, type LabelSelector, type ObjectKey, parseLabelSelector } from '../../contract/system/index.ts';
import type { ApplyRequest, Precondition } from '../apply/index.ts';
import { authorize } from '../rights/index.ts';
import { type MediaType, readJson, readYaml } from './documents.ts';

/** @throws MALFORMED for parameters that the route does not know */
export function queryOf<Name extends string>(request: FastifyRequest, names: readonly Name[]): Partial<Record<Name, string>> {
  const query = request.query as Record<string, string | string[]>;
  for (const [name, value] of Object.entries(query)) {
    if (!(names as readonly string[]).includes(name)) {
      const fix = names.length === 0 ? 'this path takes none' : `this path takes: ${names.join(', ')}`;
      throw fail('MALFORMED', `unknown query parameter "${name.slice(0, 80)}"`, fix);
    }
    if (typeof value !== 'string') throw fail('MALFORMED', `the query parameter "${name}" is given twice`, 'give it once');
  }
  return query as Partial<Record<Name, string>>;
}

/** Whether nothing shall be written. */
export function isDryRun(request: FastifyRequest, value: string | undefined): boolean {
  const dryRun = flag('dryRun', value);
  request.trail.dryRun = dryRun;
  return dryRun;
}

/** What `labels=` asks for; nothing selects everything. */
export function labelSelector(value: string | undefined): LabelSelector {
  const selector = value === undefined ? [] : parseLabelSelector(value);
  if (selector === null)
    throw fail('MALFORMED', `"${value?.slice(0, 80)}" selects no labels`, 'write labels=app=web,tier!=test,owned,!old');
  return selector;
}

/** `true`, `1` and the bare name are true. */
export function flag(name: string, value: string | undefined): boolean {
  if (value === undefined || value === 'false' || value === '0') return false;
  if (value === 'true' || value === '1' || value === '') return true;
  throw fail('MALFORMED', `the query parameter "${name}" must be true or false`, `write ${name}=true`);
}

/** A whole number from 0 to `highest`. */
export function number(name: string, value: string | undefined, highest = Number.MAX_SAFE_INTEGER): number | undefined {
  if (value === undefined) return undefined;
  const parsed = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (!(parsed <= highest)) throw fail('MALFORMED', `"${name}" must be a whole number from 0 to ${highest}`, `write ${name}=0`);
  return parsed;
}

/**
 * What the headers `If-Match` and `If-None-Match` ask for (RFC 9110 §13): the entity tag that was served, a plain revision, or `*`.
 * @throws MALFORMED for anything else, and for weak tags: they do not say that nothing was changed
 */
export function preconditionOf({ headers, method }: FastifyRequest): Precondition | undefined {
  const match = headers['if-match']?.trim();
  const none = headers['if-none-match']?.trim();
  if (none !== undefined) {
    if (none !== '*' || match !== undefined || !['PUT', 'POST'].includes(method)) {
      throw fail('MALFORMED', 'If-None-Match takes only *, in a PUT, without If-Match', 'leave it out, or write PUT with If-None-Match: *');
    }
    return 'absent';
  }
  if (match === undefined) return undefined;
  if (match === '*') return 'present';
  if (match.startsWith('W/'))
    throw fail(
      'MALFORMED',
      `If-Match: ${match.slice(0, 40)} is a weak tag, which no change can stand on`,
      'send the ETag of the last answer',
    );
  return number('If-Match', match.replace(/^"(\d+)"$/, '$1'));
}

/** Of requests about many objects: the header cannot say which of them it means, and must not be passed over. @throws MALFORMED */
export function refusePrecondition({ headers }: FastifyRequest): void {
  if (headers['if-match'] === undefined && headers['if-none-match'] === undefined) return;
  throw fail(
    'MALFORMED',
    'If-Match and If-None-Match are about one object',
    'write metadata.revision into those that must not have changed',
  );
}

export function mediaTypeOf(request: FastifyRequest): MediaType {
  return request.headers['content-type']?.includes('yaml') === true ? 'yaml' : 'json';
}

/** The body as one document; an empty body is undefined. @throws MALFORMED */
export function documentOf(request: FastifyRequest): unknown {
  const { body } = request;
  if (!Buffer.isBuffer(body) || body.length === 0) return undefined;
  if (mediaTypeOf(request) === 'json') return readJson(body);
  const documents = readYaml(body);
  if (documents.length > 1) throw fail('MALFORMED', `${documents.length} documents, one is taken here`, 'send several to /v1/apply');
  return documents[0];
}

/** Who changes objects, held to what they may do with each; the objects stand in the audit log. */
export function changing({ identity, trail }: FastifyRequest): Pick<ApplyRequest, 'subject' | 'assertMay'> {
  trail.restart();
  return {
    subject: identity.subject,
    assertMay: (op, key) => {
      trail.add(key);
      authorize(identity, op, key.kind, projectOf(key));
    },
  };
}

/** A project is its own. */
export function projectOf({ kind, project, name }: ObjectKey): string | undefined {
  return kind === 'Project' ? name : project;
}
