/** The API's description, OpenAPI 3.1, made from what the registry knows. */
import { apiVersion, type OperationSpec } from '../../contract/system/index.ts';
import type { RegisteredKind, RegisteredOperation, Registry } from '../registry/index.ts';
import { systemPaths, systemSchemas } from './openapi-system.ts';
import { described, inPath, inQuery, type Json, ok, ref } from './openapi-words.ts';
import { problemSchema, problemType } from './problem.ts';

const text = { type: 'string' };

export function openapiOf(registry: Registry, version: string): Json {
  const paths: Record<string, Json> = { ...systemPaths };
  const schemas: Json = { Problem: problemSchema, ...systemSchemas };
  for (const kind of registry.kinds) {
    Object.assign(paths, kindPaths(kind));
    schemas[kind.spec.kind] = objectSchema(kind);
    schemas[`${kind.spec.kind}List`] = listSchema(kind);
  }
  for (const operation of registry.operations) Object.assign(paths, operationPath(operation));
  return {
    openapi: '3.1.0',
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    info: {
      title: 'Weft',
      version,
      summary: 'Objects, operations and plugins of a Weft appliance',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths,
    components: {
      schemas,
      responses: {
        Problem: { description: 'What went wrong, and how to mend it', content: { [problemType]: { schema: ref('Problem') } } },
      },
    },
  };
}

function kindPaths({ spec }: RegisteredKind): Record<string, Json> {
  const { kind } = spec;
  const isSystem = spec.scope === 'system';
  const collection = isSystem ? `/v1/${spec.plural}` : `/v1/{project}/${spec.plural}`;
  const project = isSystem ? [] : [inPath('project', 'Project; "-" lists all')];
  const name = inPath('name', `Name of the ${kind}`);
  const dryRun = inQuery('dryRun', 'Do everything but write', { type: 'boolean' });
  const cascade = inQuery('cascade', 'Delete what refers to it, too', { type: 'boolean' });
  const ifMatch = { name: 'If-Match', in: 'header', description: 'Revision that the object must have', schema: text };
  const body = { required: true, content: { 'application/json': { schema: ref(kind) }, 'application/yaml': { schema: ref(kind) } } };
  const patchBody = { required: true, content: { 'application/merge-patch+json': { schema: { type: 'object' } } } };
  return {
    [collection]: {
      parameters: project,
      get: described(`List: ${spec.summary}`, kind, { operationId: `list${kind}`, responses: { 200: ok(ref(`${kind}List`)) } }),
      post: described(`Create a ${kind}`, kind, {
        operationId: `create${kind}`,
        parameters: [dryRun],
        requestBody: body,
        responses: { 201: ok(ref(kind)) },
      }),
    },
    [`${collection}/{name}`]: {
      parameters: [...project, name],
      get: described(`Read a ${kind}`, kind, { operationId: `get${kind}`, responses: { 200: ok(ref(kind)) } }),
      put: described(`Create or replace a ${kind}`, kind, {
        operationId: `put${kind}`,
        parameters: [ifMatch, dryRun],
        requestBody: body,
        responses: { 200: ok(ref(kind), 'Replaced'), 201: ok(ref(kind), 'Created') },
      }),
      patch: described(`Change fields of a ${kind} (JSON Merge Patch)`, kind, {
        operationId: `patch${kind}`,
        parameters: [ifMatch, dryRun],
        requestBody: patchBody,
        responses: { 200: ok(ref(kind)) },
      }),
      delete: described(`Delete a ${kind}`, kind, {
        operationId: `delete${kind}`,
        parameters: [ifMatch, dryRun, cascade],
        responses: { 200: ok(ref('ApplyResult')) },
      }),
    },
  };
}

function operationPath({ plugin, spec }: RegisteredOperation): Record<string, Json> {
  const word = `${plugin}.${spec.name}`;
  const answer = spec.stream
    ? ok(itemSchema(spec), 'Events "item" with this data, then "end"', 'text/event-stream')
    : ok(spec.output as Json);
  const file = spec.file === undefined ? [] : [inQuery('file', `Items are parts of a file (${spec.file.mediaType})`, { type: 'boolean' })];
  return {
    [`/v1/{project}/operations/${word}`]: {
      parameters: [inPath('project', 'Project; "-" asks about all')],
      post: described(spec.summary, plugin, {
        operationId: word,
        ...(file.length > 0 ? { parameters: file } : {}),
        requestBody: { content: { 'application/json': { schema: spec.input } } },
        responses: { 200: answer },
      }),
    },
  };
}

/** Of one item: as it is or, asked for as a file, a part of that. */
function itemSchema({ output, file }: OperationSpec): Json {
  if (file === undefined) return output as Json;
  return { anyOf: [output, { type: 'string', contentEncoding: 'base64', contentMediaType: file.mediaType }] };
}

function objectSchema({ spec }: RegisteredKind): Json {
  return {
    type: 'object',
    description: spec.summary,
    properties: {
      apiVersion: { const: apiVersion },
      kind: { const: spec.kind },
      metadata: ref('Metadata'),
      spec: spec.spec,
      status: spec.status,
    },
    required: ['kind', 'metadata'],
  };
}

function listSchema({ spec }: RegisteredKind): Json {
  return {
    type: 'object',
    properties: { kind: { const: spec.kind }, revision: { type: 'integer' }, items: { type: 'array', items: ref(spec.kind) } },
    required: ['kind', 'revision', 'items'],
  };
}
