/** Schemas of the API's answers that no plugin changes. */
import { type Json, ref } from './openapi-words.ts';

/** An object with whatever is in it. */
export const anything = { type: 'object', additionalProperties: true };
export const text = { type: 'string' };
export const whole = { type: 'integer' };
export const flag = { type: 'boolean' };
export const wholeOrNull = { type: ['integer', 'null'] };

export function record(properties: Record<string, Json>, optional: readonly string[] = []): Json {
  return { type: 'object', properties, required: Object.keys(properties).filter((name) => !optional.includes(name)) };
}
export function list(items: Json): Json {
  return { type: 'array', items };
}
function maybe(schema: Json): Json {
  return { anyOf: [schema, { type: 'null' }] };
}

const written = {
  name: { type: 'string', maxLength: 63, description: 'Unique among its kind in its project' },
  project: { type: 'string', description: 'Absent for kinds of the system' },
  labels: { type: 'object', additionalProperties: text },
  shared: { type: 'boolean', description: 'Others may refer to it as PROJECT/NAME' },
};
export const time = { type: 'string', format: 'date-time' };
const metadata = record(
  {
    ...written,
    uid: text,
    revision: { type: 'integer', description: 'Of its last change' },
    generation: { type: 'integer', description: 'Counts changes of spec' },
    createdAt: time,
    deletedAt: { ...time, description: 'Somebody has deleted it; it goes once its finalizers are done' },
    finalizers: { ...list(text), description: 'Plugins that have something to put away before it goes' },
    ownerReferences: {
      ...list(record({ kind: text, name: text, uid: text })),
      description: 'It goes when the last of these does',
    },
    managedBy: { type: 'string', description: 'The plugin that wrote it' },
  },
  ['project', 'labels', 'shared', 'deletedAt', 'finalizers', 'ownerReferences', 'managedBy'],
);
const metadataInput = record({ ...written, revision: { type: 'integer', description: 'That the object must have' } }, [
  'name',
  'project',
  'labels',
  'shared',
  'revision',
]);

const anyObject = record({ apiVersion: text, kind: text, metadata: ref('ObjectMetadata'), spec: anything, status: anything });
const anyInput = record({ apiVersion: text, kind: text, metadata: ref('ObjectMetadataInput'), spec: anything, status: anything }, [
  'apiVersion',
  'spec',
  'status',
]);
const key = record({ kind: text, project: text, name: text }, ['project']);
const applyResult = record(
  {
    revision: whole,
    results: list(
      record({
        key: ref('Key'),
        action: { enum: ['created', 'updated', 'unchanged', 'deleted'] },
        before: maybe(ref('Object')),
        after: maybe(ref('Object')),
      }),
    ),
    trial: ref('Trial'),
  },
  ['trial'],
);
const trial = record({ from: whole, to: whole, until: time, subject: text, failed: text }, ['failed']);
const pastChange = record({
  revision: whole,
  transaction: whole,
  time,
  subject: text,
  type: { enum: ['created', 'updated', 'deleted'] },
  key: ref('Key'),
  touched: list(text),
});
const limits = record({ memoryMib: whole, cpuPercent: whole, tasks: whole, stateMib: whole });
const enforcement = maybe(
  record({ memory: { enum: ['group', 'watch'] }, cpu: { enum: ['group', 'none'] }, tasks: { enum: ['group', 'user'] } }),
);
const plugin = record({
  name: text,
  version: text,
  summary: text,
  enabled: flag,
  state: { enum: ['disabled', 'starting', 'running', 'restarting', 'failed'] },
  reason: text,
  pid: wholeOrNull,
  restarts: whole,
  rssBytes: wholeOrNull,
  needs: list(text),
  kinds: list(text),
  operations: list(text),
  settings: anything,
  limits,
  enforcement,
  disabling: { ...list(text), description: 'What disabling it would do, one sentence each' },
});
const status = record({
  healthy: flag,
  kernel: record({ version: text, pid: whole, uptimeSeconds: whole, revision: whole, rssBytes: wholeOrNull }),
  forwarder: record({ state: { enum: ['running', 'stopped'] }, pid: wholeOrNull, restarts: whole, rssBytes: wholeOrNull }),
  plugins: list(
    record({ name: text, version: text, state: text, reason: text, pid: wholeOrNull, restarts: whole, rssBytes: wholeOrNull, limits }),
  ),
  enforcement,
  counts: { type: 'object', additionalProperties: whole },
  alarms: list(ref('Alarm')),
});

const auditLine = record({
  time,
  request: { ...text, description: 'X-Request-Id of the answer' },
  subject: { type: ['string', 'null'], description: 'null: unknown' },
  by: { enum: ['uid', 'token', 'certificate', null] },
  source: { ...text, description: 'uid N, or an address' },
  method: text,
  route: { type: ['string', 'null'] },
  parameters: { type: 'object', additionalProperties: text },
  objects: { ...list(text), description: 'The first of those that it was about' },
  count: { ...whole, description: 'How many those are' },
  dryRun: flag,
  status: whole,
  code: { ...text, description: 'Of the error; empty when it was done' },
  revision: wholeOrNull,
  milliseconds: whole,
  skipped: { ...whole, description: 'Refusals before this one that were too many to be written' },
});

export const systemSchemas: Json = {
  ObjectMetadata: metadata,
  ObjectMetadataInput: metadataInput,
  Object: anyObject,
  ObjectInput: anyInput,
  Key: key,
  ApplyResult: applyResult,
  AuditLine: auditLine,
  PastChange: pastChange,
  Trial: trial,
  Plugin: plugin,
  Status: status,
};
