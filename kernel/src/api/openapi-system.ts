/** Those parts of the API's description that no plugin changes. */
import { described, inPath, inQuery, type Json, ok, ref } from './openapi-words.ts';

const text = { type: 'string' };
const whole = { type: 'integer' };
const flag = { type: 'boolean' };
const wholeOrNull = { type: ['integer', 'null'] };

function record(properties: Record<string, Json>, optional: readonly string[] = []): Json {
  return { type: 'object', properties, required: Object.keys(properties).filter((name) => !optional.includes(name)) };
}
function list(items: Json): Json {
  return { type: 'array', items };
}
function maybe(schema: Json): Json {
  return { anyOf: [schema, { type: 'null' }] };
}

const metadata = record(
  {
    name: { type: 'string', maxLength: 63, description: 'Unique among its kind in its project' },
    project: { type: 'string', description: 'Absent for kinds of the system' },
    labels: { type: 'object', additionalProperties: text },
    shared: { type: 'boolean', description: 'Others may refer to it as PROJECT/NAME' },
    uid: { type: 'string', readOnly: true },
    revision: { type: 'integer', description: 'Of its last change; in a write: the revision it must have' },
    generation: { type: 'integer', readOnly: true, description: 'Counts changes of spec' },
    createdAt: { type: 'string', format: 'date-time', readOnly: true },
    managedBy: { type: 'string', readOnly: true, description: 'The plugin that wrote it' },
  },
  ['project', 'labels', 'shared', 'uid', 'revision', 'generation', 'createdAt', 'managedBy'],
);

const anyObject = record(
  { apiVersion: text, kind: text, metadata: ref('Metadata'), spec: { type: 'object' }, status: { type: 'object' } },
  ['apiVersion', 'spec', 'status'],
);
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
const trial = record({ from: whole, to: whole, until: { type: 'string', format: 'date-time' }, subject: text, failed: text }, ['failed']);
const pastChange = record({
  revision: whole,
  transaction: whole,
  time: { type: 'string', format: 'date-time' },
  subject: text,
  type: { enum: ['created', 'updated', 'deleted'] },
  key: ref('Key'),
  touched: list(text),
});
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
  settings: { type: 'object' },
});
const status = record({
  healthy: flag,
  kernel: record({ version: text, pid: whole, uptimeSeconds: whole, revision: whole, rssBytes: wholeOrNull }),
  forwarder: record({ state: { enum: ['running', 'stopped'] }, pid: wholeOrNull, restarts: whole, rssBytes: wholeOrNull }),
  plugins: list(record({ name: text, state: text, reason: text, pid: wholeOrNull, restarts: whole, rssBytes: wholeOrNull })),
  counts: { type: 'object', additionalProperties: whole },
  alarms: list(ref('Alarm')),
});

export const systemSchemas: Json = {
  Metadata: metadata,
  Object: anyObject,
  Key: key,
  ApplyResult: applyResult,
  PastChange: pastChange,
  Trial: trial,
  Plugin: plugin,
  Status: status,
};

const trialNumber = inPath('number', 'Last revision of the change');
const pluginName = inPath('name', 'Name of the plugin');
const applyJson = record({ objects: list(ref('Object')), delete: list(ref('Key')), cascade: flag }, ['objects', 'delete', 'cascade']);

export const systemPaths: Record<string, Json> = {
  '/v1/apply': {
    post: described('Apply and delete many objects in one transaction', 'objects', {
      operationId: 'apply',
      parameters: [
        inQuery('dryRun', 'Do everything but write', flag),
        inQuery('project', 'Of objects that name none; "default" otherwise'),
        inQuery('cascade', 'Delete what refers to deleted objects, too', flag),
        inQuery('confirm', 'Take the change back after so many seconds, unless it is confirmed', whole),
      ],
      requestBody: {
        required: true,
        content: { 'application/json': { schema: applyJson }, 'application/yaml': { schema: ref('Object') } },
      },
      responses: { 200: ok(ref('ApplyResult')) },
    }),
  },
  '/v1/history': {
    get: described('Changes of the past, newest first', 'history', {
      operationId: 'history',
      parameters: [
        inQuery('kind', 'Only objects of this kind'),
        inQuery('project', 'Only objects of this project'),
        inQuery('name', 'Only objects of this name'),
        inQuery('until', 'Begin with this revision; with the last otherwise', whole),
        inQuery('limit', 'How many; 100 otherwise', whole),
        inQuery('status', 'Changes of nothing but status, too', flag),
      ],
      responses: { 200: ok(record({ revision: whole, floor: whole, items: list(ref('PastChange')), next: wholeOrNull })) },
    }),
  },
  '/v1/rollback': {
    post: described('Make all objects what they were at a revision', 'history', {
      operationId: 'rollback',
      parameters: [inQuery('revision', 'Where to go back to', whole), inQuery('dryRun', 'Do everything but write', flag)],
      responses: { 200: ok(ref('ApplyResult')) },
    }),
  },
  '/v1/trials': {
    get: described('Changes that are taken back unless they are confirmed', 'history', {
      operationId: 'trials',
      responses: { 200: ok(record({ items: list(ref('Trial')) })) },
    }),
  },
  '/v1/trials/{number}/confirm': {
    parameters: [trialNumber],
    post: described('Keep a change', 'history', { operationId: 'confirmTrial', responses: { 200: ok(ref('Trial')) } }),
  },
  '/v1/trials/{number}/revert': {
    parameters: [trialNumber],
    post: described('Take a change back now', 'history', { operationId: 'revertTrial', responses: { 200: ok(ref('Trial')) } }),
  },
  '/v1/tokens/{name}/issue': {
    parameters: [inPath('name', 'Name of the Token')],
    post: described('Issue the token, once; the one before it is worth nothing any more', 'system', {
      operationId: 'issueToken',
      responses: { 200: ok(record({ token: text })) },
    }),
  },
  '/v1/watch': {
    get: described('Every later change, once and in order', 'objects', {
      operationId: 'watch',
      parameters: [
        inQuery('kinds', 'Kinds, separated by commas; all otherwise'),
        inQuery('since', 'Revision after which to begin; now otherwise', whole),
        inQuery('project', 'Only objects of this project'),
      ],
      responses: { 200: ok(ref('Object'), 'Events created, updated, deleted; the id is the revision', 'text/event-stream') },
    }),
  },
  '/v1/kinds': {
    get: described('All kinds with their schemas', 'system', { operationId: 'kinds', responses: { 200: ok(list({ type: 'object' })) } }),
  },
  '/v1/operations': {
    get: described('All operations with their schemas', 'system', {
      operationId: 'operations',
      responses: { 200: ok(list({ type: 'object' })) },
    }),
  },
  '/v1/status': { get: described('How the appliance is', 'system', { operationId: 'status', responses: { 200: ok(ref('Status')) } }) },
  '/v1/plugins': { get: described('All plugins', 'plugins', { operationId: 'plugins', responses: { 200: ok(list(ref('Plugin'))) } }) },
  '/v1/plugins/{name}': {
    parameters: [pluginName],
    get: described('One plugin', 'plugins', { operationId: 'plugin', responses: { 200: ok(ref('Plugin')) } }),
    put: described('Enable, disable, configure', 'plugins', {
      operationId: 'putPlugin',
      requestBody: {
        required: true,
        content: { 'application/json': { schema: record({ enabled: flag, settings: { type: 'object' } }, ['enabled', 'settings']) } },
      },
      responses: { 200: ok(ref('Plugin')) },
    }),
  },
  '/v1/plugins/{name}/restart': {
    parameters: [pluginName],
    post: described('Restart a plugin', 'plugins', { operationId: 'restartPlugin', responses: { 200: ok(ref('Plugin')) } }),
  },
  '/v1/plugins/{name}/logs': {
    parameters: [inPath('name', 'Name of the plugin; "kernel" and "forwarder" have logs, too')],
    get: described('The log of a plugin, JSON lines', 'plugins', {
      operationId: 'pluginLogs',
      parameters: [
        inQuery('lines', 'How many of the last lines; 100 otherwise', whole),
        inQuery('follow', 'Go on with what is appended', flag),
      ],
      responses: { 200: ok(text, 'Lines', 'application/x-ndjson') },
    }),
  },
  '/healthz': {
    get: described('The process lives', 'system', { operationId: 'healthz', responses: { 200: ok(record({ status: text })) } }),
  },
  '/readyz': {
    get: described('All enabled plugins serve', 'system', { operationId: 'readyz', responses: { 200: ok(record({ status: text })) } }),
  },
  '/metrics': {
    get: described('Prometheus metrics', 'system', { operationId: 'metrics', responses: { 200: ok(text, 'Metrics', 'text/plain') } }),
  },
  '/openapi.json': { get: described('This description', 'system', { operationId: 'openapi', responses: { 200: ok({ type: 'object' }) } }) },
  '/docs': {
    get: described('This description as a page', 'system', { operationId: 'docs', responses: { 200: ok(text, 'A page', 'text/html') } }),
  },
};
