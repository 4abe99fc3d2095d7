/** Reading query parameters, headers and small bodies. */
import type { FastifyRequest } from 'fastify';
import { fail, type ObjectKey } from '../../contract/system/index.ts';
import type { ApplyRequest } from '../apply/index.ts';
import { authorize, type Identity } from '../rights/index.ts';
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

/** The revision in `If-Match`, as a plain number or as the entity tag that was served. */
export function ifMatch(request: FastifyRequest): number | undefined {
  const header = request.headers['if-match'];
  if (header === undefined) return undefined;
  return number('If-Match', header.replace(/^(W\/)?"(\d+)"$/, '$2'));
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

/** Who changes objects, held to what they may do with each. */
export function changing(identity: Identity): Pick<ApplyRequest, 'subject' | 'assertMay'> {
  return {
    subject: identity.subject,
    assertMay: (op, key) => authorize(identity, op, key.kind, projectOf(key)),
  };
}

/** A project is its own. */
export function projectOf({ kind, project, name }: ObjectKey): string | undefined {
  return kind === 'Project' ? name : project;
}
