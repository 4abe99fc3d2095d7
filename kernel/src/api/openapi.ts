/** The API's description, OpenAPI 3.1, made from what the registry knows. */
import { apiVersion, type OperationSpec } from '../../contract/system/index.ts';
import type { OrphanKind, RegisteredKind, RegisteredOperation, Registry } from '../registry/index.ts';
import { anything, systemSchemas } from './openapi-schemas.ts';
import { systemPaths } from './openapi-system.ts';
import {
  described,
  failures,
  headers,
  inHeader,
  inPath,
  inQuery,
  type Json,
  ok,
  problemResponses,
  ref,
  securitySchemes,
} from './openapi-words.ts';
import { problemSchema } from './problem.ts';

const flag = { type: 'boolean' };
const withLabels = inQuery('labels', 'Only objects with these labels: app=web,tier!=test,owned,!old');
const dryRun = inQuery('dryRun', 'Do everything but write', flag);
const cascade = inQuery('cascade', 'Delete what refers to it, too', flag);
const ifMatch = inHeader('If-Match', 'The revision (ETag) that the object must have, or * : it must exist');
const ifNoneMatch = inHeader('If-None-Match', '* : it must not exist yet');

export function openapiOf(registry: Registry, version: string): Json {
  const paths: Record<string, Json> = { ...systemPaths };
  const schemas: Json = { Problem: problemSchema, ...systemSchemas };
  for (const kind of registry.kinds) {
    Object.assign(paths, kindPaths(kind));
    Object.assign(schemas, kindSchemas(kind));
  }
  for (const orphan of registry.orphans) Object.assign(paths, orphanPaths(orphan));
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
    servers: [{ url: '/', description: 'Wherever this was read: the unix socket, or https' }],
    security: [{}, { token: [] }, { certificate: [] }],
    paths,
    components: { schemas, responses: problemResponses(), headers, securitySchemes },
  };
}

function kindPaths({ spec }: RegisteredKind): Record<string, Json> {
  const { kind } = spec;
  const isSystem = spec.scope === 'system';
  const collection = isSystem ? `/v1/${spec.plural}` : `/v1/{project}/${spec.plural}`;
  const project = isSystem ? [] : [inPath('project', 'Project; "-" lists all')];
  return {
    [collection]: {
      parameters: project,
      get: described(
        `List: ${spec.summary}`,
        kind,
        { operationId: `list${kind}`, parameters: [withLabels], responses: { 200: ok(ref(`${kind}List`)) } },
        failures.reading,
      ),
      post: described(
        `Create a ${kind}`,
        kind,
        {
          operationId: `create${kind}`,
          parameters: [dryRun],
          requestBody: body(kind),
          responses: { 201: ok(ref(kind), 'Created', undefined, ['ETag', 'Location']) },
        },
        failures.changing,
      ),
    },
    [`${collection}/{name}`]: { parameters: [...project, inPath('name', `Name of the ${kind}`)], ...singlePath(kind) },
  };
}

function singlePath(kind: string): Json {
  const done = (description: string): Json => ok(ref(kind), description, undefined, ['ETag']);
  return {
    get: described(`Read a ${kind}`, kind, { operationId: `get${kind}`, responses: { 200: done('As it is') } }, failures.reading),
    put: described(
      `Create or replace a ${kind}`,
      kind,
      {
        operationId: `put${kind}`,
        parameters: [ifMatch, ifNoneMatch, dryRun],
        requestBody: body(kind),
        responses: { 200: done('Replaced'), 201: done('Created') },
      },
      failures.changing,
    ),
    patch: described(
      `Change fields of a ${kind} (JSON Merge Patch)`,
      kind,
      { operationId: `patch${kind}`, parameters: [ifMatch, dryRun], requestBody: patchBody(kind), responses: { 200: done('Changed') } },
      failures.changing,
    ),
    delete: described(
      `Delete a ${kind}`,
      kind,
      { operationId: `delete${kind}`, parameters: [ifMatch, dryRun, cascade], responses: { 200: ok(ref('ApplyResult')) } },
      failures.changing,
    ),
  };
}

/** A kind whose plugin is gone: nothing is served but its removal. */
function orphanPaths({ kind, plural, scope }: OrphanKind): Record<string, Json> {
  const collection = scope === 'system' ? `/v1/${plural}` : `/v1/{project}/${plural}`;
  const project = scope === 'system' ? [] : [inPath('project', 'Project')];
  const refused = (method: string): Json => {
    const parts = { operationId: `${method}${kind}`, responses: {} };
    return described(`Not served: the plugin of ${kind} is not installed`, kind, parts, failures.changing);
  };
  const removed = { operationId: `delete${kind}`, parameters: [ifMatch, dryRun, cascade], responses: { 200: ok(ref('ApplyResult')) } };
  return {
    [collection]: { parameters: project, get: refused('list'), post: refused('create') },
    [`${collection}/{name}`]: {
      parameters: [...project, inPath('name', `Name of the ${kind}`)],
      get: refused('get'),
      put: refused('put'),
      patch: refused('patch'),
      delete: described(`Delete a ${kind}`, kind, removed, failures.changing),
    },
  };
}

function body(kind: string): Json {
  const schema = { schema: ref(`${kind}Input`) };
  return { required: true, content: { 'application/json': schema, 'application/yaml': schema } };
}

/** RFC 7396: null removes a field, so that no schema of the object holds for it. */
function patchBody(kind: string): Json {
  const patch = { schema: { ...anything, description: `Fields of a ${kind}Input; null removes one` } };
  return { required: true, content: { 'application/merge-patch+json': patch, 'application/json': patch, 'application/yaml': patch } };
}

function operationPath({ plugin, spec }: RegisteredOperation): Record<string, Json> {
  const word = `${plugin}.${spec.name}`;
  const answer = spec.stream
    ? ok(itemSchema(spec), 'Events "item" with this data, then "end"', 'text/event-stream')
    : ok(spec.output as Json);
  const file = spec.file === undefined ? [] : [inQuery('file', `Items are parts of a file (${spec.file.mediaType})`, flag)];
  const who = spec.viewer === true ? 'For viewers of the project, too.' : 'For operators of the project.';
  const parts = {
    operationId: word,
    description: who,
    ...(file.length > 0 ? { parameters: file } : {}),
    requestBody: { content: { 'application/json': { schema: spec.input } } },
    responses: { 200: answer },
  };
  return {
    [`/v1/{project}/operations/${word}`]: {
      parameters: [inPath('project', 'Project; "-" asks about all')],
      post: described(spec.summary, plugin, parts, failures.any),
    },
  };
}

/** Of one item: as it is or, asked for as a file, a part of that. */
function itemSchema({ output, file }: OperationSpec): Json {
  if (file === undefined) return output as Json;
  return { anyOf: [output, { type: 'string', contentEncoding: 'base64', contentMediaType: file.mediaType }] };
}

/** The schema for those who write: what has a default may be left out. */
function writable(schema: object): object {
  const { required, properties, ...rest } = schema as { required?: readonly string[]; properties?: Record<string, { default?: unknown }> };
  const inner = Object.entries(rest).map(([word, value]) => [word, writableIn(value)]);
  return {
    ...Object.fromEntries(inner),
    ...(properties === undefined
      ? {}
      : { properties: Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, writable(one)])) }),
    ...(required === undefined ? {} : { required: required.filter((name) => properties?.[name]?.default === undefined) }),
  };
}

function writableIn(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(writableIn);
  return typeof value === 'object' && value !== null ? writable(value) : value;
}

/** A kind as it is read, as it is written, and a list of it. */
function kindSchemas({ spec }: RegisteredKind): Record<string, Json> {
  const { kind, summary, spec: wish, status } = spec;
  const object = { apiVersion: { const: apiVersion }, kind: { const: kind }, metadata: ref('ObjectMetadata'), spec: wish, status };
  return {
    [kind]: { type: 'object', description: summary, properties: object, required: Object.keys(object) },
    [`${kind}Input`]: {
      type: 'object',
      description:
        'As it is written: kind, project and name may be left out where the path says them; status and what else the system writes is ignored',
      properties: { ...object, metadata: ref('ObjectMetadataInput'), spec: writable(wish), status: anything },
    },
    [`${kind}List`]: {
      type: 'object',
      properties: {
        kind: { const: kind },
        revision: { type: 'integer', description: 'To watch from' },
        items: { type: 'array', items: ref(kind) },
      },
      required: ['kind', 'revision', 'items'],
    },
  };
}
