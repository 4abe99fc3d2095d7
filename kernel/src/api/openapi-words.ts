/** Pieces that API descriptions are made of. */
import { type ErrorCode, errorCodes, errorGuide } from '../../contract/system/index.ts';
import { problemType } from './problem.ts';

export type Json = Record<string, unknown>;

const text = { type: 'string' };

/** Statuses of failures, by what is asked. */
export const failures = {
  /** Of every request. */
  always: [400, 401, 403, 500],
  /** 503: a kind that nobody serves at the moment. */
  reading: [404, 503],
  /** Of the log of changes. */
  past: [410],
  changing: [404, 409, 412, 413, 422, 503],
  /** Whatever a plugin says. */
  any: [...new Set(Object.values(errorCodes))].sort(),
} as const;

export function ref(name: string): Json {
  return { $ref: `#/components/schemas/${name}` };
}

export function ok(schema: Json, description = 'Done', type = 'application/json', headers: readonly string[] = []): Json {
  const all = ['X-Request-Id', ...headers].map((name) => [name, { $ref: `#/components/headers/${name}` }]);
  return { description, headers: Object.fromEntries(all), content: { [type]: { schema } } };
}

/** An operation with all its failures; those of every request are there by themselves. */
export function described(summary: string, tag: string, parts: Json & { responses: Json }, ...kinds: (readonly number[])[]): Json {
  const statuses = [...new Set([...failures.always, ...kinds.flat()])].sort();
  const failed = statuses.map((status) => [status, { $ref: `#/components/responses/${problemName(status)}` }]);
  return { summary, tags: [tag], ...parts, responses: { ...parts.responses, ...Object.fromEntries(failed) } };
}

function problemName(status: number): string {
  return `Problem${status}`;
}

/** The answers of all failures, by their names. */
export function problemResponses(): Json {
  const byStatus = Map.groupBy(Object.entries(errorCodes) as [ErrorCode, number][], ([, status]) => status);
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => {
      const description = codes.map(([code]) => `${code}: ${errorGuide[code].title}.`).join(' ');
      return [problemName(status), ok(ref('Problem'), description, problemType)];
    }),
  );
}

export function inQuery(name: string, description: string, schema: Json = text): Json {
  return { name, in: 'query', description, schema };
}

export function inHeader(name: string, description: string): Json {
  return { name, in: 'header', description, schema: text };
}

export function inPath(name: string, description: string): Json {
  return { name, in: 'path', required: true, description, schema: text };
}

export const headers: Json = {
  'X-Request-Id': { description: 'Names the request in the logs', schema: text },
  ETag: { description: 'Revision of the object, for If-Match', schema: text },
  Location: { description: 'Path of the new object', schema: text },
};

/** Who may ask: on the unix socket the kernel of the machine says who it is, on the network a token or a certificate does. */
export const securitySchemes: Json = {
  token: { type: 'http', scheme: 'bearer', description: 'Printed once by weft token issue' },
  certificate: { type: 'mutualTLS', description: 'Of the authority in api.tls.clientCa' },
};
