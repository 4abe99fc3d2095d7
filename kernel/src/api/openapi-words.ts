/** Pieces that API descriptions are made of. */

export type Json = Record<string, unknown>;

const text = { type: 'string' };

export function ref(name: string): Json {
  return { $ref: `#/components/schemas/${name}` };
}

export function ok(schema: Json, description = 'Done', type = 'application/json'): Json {
  return { description, content: { [type]: { schema } } };
}

/** An operation with the failures that every one has. */
export function described(summary: string, tag: string, parts: Json & { responses: Json }): Json {
  return { summary, tags: [tag], ...parts, responses: { ...parts.responses, default: { $ref: '#/components/responses/Problem' } } };
}

export function inQuery(name: string, description: string, schema: Json = text): Json {
  return { name, in: 'query', description, schema };
}

export function inPath(name: string, description: string): Json {
  return { name, in: 'path', required: true, description, schema: text };
}
