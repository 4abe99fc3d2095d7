/** Those paths of the API's description that no plugin changes. */
import { anything, flag, list, record, text, time, whole, wholeOrNull } from './openapi-schemas.ts';
import { described, failures, inHeader, inPath, inQuery, type Json, ok, ref } from './openapi-words.ts';

const trialNumber = inPath('number', 'Last revision of the change');
const pluginName = inPath('name', 'Name of the plugin');
const applyJson = record({ objects: list(ref('ObjectInput')), delete: list(ref('Key')), cascade: flag }, ['objects', 'delete', 'cascade']);

export const systemPaths: Record<string, Json> = {
  '/v1/apply': {
    post: described(
      'Apply and delete many objects in one transaction',
      'objects',
      {
        operationId: 'apply',
        parameters: [
          inQuery('dryRun', 'Do everything but write', flag),
          inQuery('project', 'Of objects that name none; "default" otherwise'),
          inQuery('cascade', 'Delete what refers to deleted objects, too', flag),
          inQuery('confirm', 'Take the change back after so many seconds, unless it is confirmed', whole),
        ],
        requestBody: {
          required: true,
          content: { 'application/json': { schema: applyJson }, 'application/yaml': { schema: ref('ObjectInput') } },
        },
        responses: { 200: ok(ref('ApplyResult')) },
      },
      failures.changing,
    ),
  },
  '/v1/history': {
    get: described(
      'Changes of the past, newest first',
      'history',
      {
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
      },
      failures.reading,
      failures.past,
    ),
  },
  '/v1/rollback': {
    post: described(
      'Make all objects what they were at a revision',
      'history',
      {
        operationId: 'rollback',
        parameters: [inQuery('revision', 'Where to go back to', whole), inQuery('dryRun', 'Do everything but write', flag)],
        responses: { 200: ok(ref('ApplyResult')) },
      },
      failures.changing,
      failures.past,
    ),
  },
  '/v1/trials': {
    get: described('Changes that are taken back unless they are confirmed', 'history', {
      operationId: 'trials',
      responses: { 200: ok(record({ items: list(ref('Trial')) })) },
    }),
  },
  '/v1/trials/{number}/confirm': {
    parameters: [trialNumber],
    post: described('Keep a change', 'history', { operationId: 'confirmTrial', responses: { 200: ok(ref('Trial')) } }, failures.changing),
  },
  '/v1/trials/{number}/revert': {
    parameters: [trialNumber],
    post: described(
      'Take a change back now',
      'history',
      { operationId: 'revertTrial', responses: { 200: ok(ref('Trial')) } },
      failures.changing,
      failures.past,
    ),
  },
  '/v1/tokens/{name}/issue': {
    parameters: [inPath('name', 'Name of the Token')],
    post: described(
      'Issue the token, once; the one before it is worth nothing any more',
      'system',
      {
        operationId: 'issueToken',
        responses: { 200: ok(record({ token: text })) },
      },
      failures.changing,
    ),
  },
  '/v1/watch': {
    get: described(
      'Every later change, once and in order',
      'objects',
      {
        operationId: 'watch',
        parameters: [
          inQuery('kinds', 'Kinds, separated by commas; all otherwise'),
          inQuery('since', 'Revision after which to begin; now otherwise', whole),
          inQuery('project', 'Only objects of this project'),
          inHeader('Last-Event-ID', 'The same as `since`, and goes before it: what a browser sends that connects again'),
        ],
        responses: { 200: ok(ref('Object'), 'Events created, updated, deleted; the id is the revision', 'text/event-stream') },
      },
      failures.reading,
      failures.past,
    ),
  },
  '/v1/backup': {
    get: described('All objects, their history and the settings of plugins, as one file', 'system', {
      operationId: 'backup',
      parameters: [inQuery('withKey', 'Put the key of secrets in it, too', flag)],
      responses: { 200: ok({ type: 'string', format: 'binary' }, 'What weft restore takes', 'application/octet-stream') },
    }),
  },
  '/v1/audit': {
    get: described('Who asked to change something, and who was refused; newest first', 'history', {
      operationId: 'audit',
      parameters: [
        inQuery('since', 'Only what was answered from then on', time),
        inQuery('subject', 'Only of this subject: token:ci'),
        inQuery('limit', 'How many; 100 otherwise', whole),
      ],
      responses: { 200: ok(record({ items: list(ref('AuditLine')) })) },
    }),
  },
  '/v1/kinds': {
    get: described('All kinds with their schemas', 'system', { operationId: 'kinds', responses: { 200: ok(list(anything)) } }),
  },
  '/v1/operations': {
    get: described('All operations with their schemas', 'system', {
      operationId: 'operations',
      responses: { 200: ok(list(anything)) },
    }),
  },
  '/v1/settings': {
    get: described('JSON Schema of all settings: those of the host, and of each plugin below `plugins`', 'system', {
      operationId: 'settings',
      responses: { 200: ok(anything) },
    }),
  },
  '/v1/status': { get: described('How the appliance is', 'system', { operationId: 'status', responses: { 200: ok(ref('Status')) } }) },
  '/v1/plugins': { get: described('All plugins', 'plugins', { operationId: 'plugins', responses: { 200: ok(list(ref('Plugin'))) } }) },
  '/v1/plugins/{name}': {
    parameters: [pluginName],
    get: described('One plugin', 'plugins', { operationId: 'plugin', responses: { 200: ok(ref('Plugin')) } }, failures.reading),
    put: described(
      'Enable, disable, configure',
      'plugins',
      {
        operationId: 'putPlugin',
        requestBody: {
          required: true,
          content: { 'application/json': { schema: record({ enabled: flag, settings: anything }, ['enabled', 'settings']) } },
        },
        responses: { 200: ok(ref('Plugin')) },
      },
      failures.changing,
    ),
  },
  '/v1/plugins/{name}/restart': {
    parameters: [pluginName],
    post: described(
      'Restart a plugin',
      'plugins',
      { operationId: 'restartPlugin', responses: { 200: ok(ref('Plugin')) } },
      failures.changing,
    ),
  },
  '/v1/plugins/{name}/logs': {
    parameters: [inPath('name', 'Name of the plugin; "kernel" and "forwarder" have logs, too')],
    get: described(
      'The log of a plugin, JSON lines',
      'plugins',
      {
        operationId: 'pluginLogs',
        parameters: [
          inQuery('lines', 'How many of the last lines; 100 otherwise', whole),
          inQuery('follow', 'Go on with what is appended', flag),
        ],
        responses: { 200: ok(text, 'Lines', 'application/x-ndjson') },
      },
      failures.reading,
    ),
  },
  '/healthz': {
    get: described('The process lives', 'system', { operationId: 'healthz', responses: { 200: ok(record({ status: text })) } }),
  },
  '/readyz': {
    get: described(
      'All enabled plugins serve',
      'system',
      { operationId: 'readyz', responses: { 200: ok(record({ status: text })) } },
      [503],
    ),
  },
  '/metrics': {
    get: described('Prometheus metrics', 'system', { operationId: 'metrics', responses: { 200: ok(text, 'Metrics', 'text/plain') } }),
  },
  '/openapi.json': { get: described('This description', 'system', { operationId: 'openapi', responses: { 200: ok(anything) } }) },
  '/docs': {
    get: described('This description as a page', 'system', { operationId: 'docs', responses: { 200: ok(text, 'A page', 'text/html') } }),
  },
};
