import { appendFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import test, { type ExecutionContext } from 'ava';
import { shelf } from '../apply/test/world.ts';
import { peerUid } from './peer.ts';
import { listenOnSocket } from './server.ts';
import { makeApi, type TestApi } from './test/api.ts';

interface Description {
  openapi: string;
  paths: Record<string, Record<string, unknown>>;
  components: Record<string, unknown>;
}

/** Listens on a real socket; returns its path. */
async function listen(t: ExecutionContext, { app }: TestApi): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'weft-api-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const path = join(dir, 'api.sock');
  await listenOnSocket(app, path);
  return path;
}

/** Collects a streamed answer until it contains all of `until`, or ends. */
function stream(
  socketPath: string,
  path: string,
  until: readonly RegExp[],
  options: { method?: string; onStart?: () => void } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ socketPath, path, method: options.method ?? 'GET' }, (response) => {
      let text = '';
      let started = false;
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (!started) {
          started = true;
          options.onStart?.();
        }
        if (until.every((pattern) => pattern.test(text))) {
          resolve(text);
          request.destroy();
        }
      });
      response.on('end', () => resolve(text));
      response.on('error', () => undefined);
    });
    request.on('error', (error) => (request.destroyed ? undefined : reject(error)));
    request.end();
  });
}

test('the description is OpenAPI 3.1, names every kind and operation, and each of its paths is served', async (t) => {
  const { ask } = await makeApi(t);
  const description = (await ask('GET', '/openapi.json')).json<Description>();
  t.is(description.openapi, '3.1.0');
  for (const path of ['/v1/projects', '/v1/{project}/shelves/{name}', '/v1/{project}/operations/library.count', '/v1/apply'])
    t.truthy(description.paths[path], path);
  for (const [path, item] of Object.entries(description.paths)) {
    for (const method of ['get', 'post', 'put', 'patch', 'delete'] as const) {
      if (item[method] === undefined || /watch|follow/.test(path)) continue;
      const url = path.replace('{project}', 'default').replace('{name}', 'library');
      const response = await ask(method.toUpperCase() as 'GET', url);
      t.notRegex(response.body, /there is no (GET|POST|PUT|PATCH|DELETE)/, `${method} ${path}`);
    }
  }
});

test('every route is described, and every path that is described is a route', async (t) => {
  const routes = new Set<string>();
  const { ask } = await makeApi(t, {
    onRoute: ({ method, url }) => {
      for (const one of [method].flat()) if (one !== 'HEAD') routes.add(`${one.toLowerCase()} ${url.replaceAll(/:(\w+)/g, '{$1}')}`);
    },
  });
  const { paths } = (await ask('GET', '/openapi.json')).json<Description>();
  const described = Object.entries(paths).flatMap(([path, item]) =>
    Object.keys(item).flatMap((method) => (method === 'parameters' ? [] : `${method} ${path}`)),
  );
  const operations = described.filter((one) => /operations\/library\./.test(one));
  t.true(operations.length > 0);
  const expected = [...described.filter((one) => !operations.includes(one)), 'post /v1/{project}/operations/{operation}'];
  t.deepEqual([...routes].sort(), expected.sort());
});

test('every reference of the description leads somewhere', async (t) => {
  const { ask } = await makeApi(t);
  const body = (await ask('GET', '/openapi.json')).body;
  const description = JSON.parse(body) as Record<string, unknown>;
  const references = new Set([...body.matchAll(/"\$ref":"#([^"]+)"/g)].map(([, pointer]) => pointer ?? ''));
  t.true(references.size > 5);
  for (const pointer of references) {
    const steps = pointer.split('/').slice(1);
    t.truthy(
      steps.reduce<unknown>((value, step) => (value as Record<string, unknown> | undefined)?.[step], description),
      pointer,
    );
  }
});

test('what is served fits the description', async (t) => {
  const { ask, world, yaml } = await makeApi(t);
  const { components } = (await ask('GET', '/openapi.json')).json<Description>();
  const ajv = new Ajv2020({ strict: false });
  formats.default(ajv);
  ajv.addSchema({ $id: 'weft', components });
  const fits = (name: string, value: unknown): void => {
    const validate = ajv.compile({ $ref: `weft#/components/schemas/${name}` });
    t.true(validate(value), `${name}: ${ajv.errorsText(validate.errors)}`);
  };
  await world.pipeline.setAlarm('library.dust', { severity: 'warning', subject: 'Shelf/default/a', text: 'dusty' });
  fits('ApplyResult', (await yaml('{kind: Shelf, metadata: {name: a, labels: {x: y}}}')).json());
  fits('ProjectList', (await ask('GET', '/v1/projects')).json());
  fits('Project', (await ask('GET', '/v1/projects/default')).json());
  fits('AlarmList', (await ask('GET', '/v1/alarms')).json());
  fits('Shelf', (await ask('GET', '/v1/default/shelves/a')).json());
  fits('Status', (await ask('GET', '/v1/status')).json());
  fits('Plugin', (await ask('GET', '/v1/plugins/library')).json());
  fits('Problem', (await ask('GET', '/v1/default/shelves/ghost')).json());
  fits('Problem', (await ask('POST', '/v1/default/shelves', { spec: { x: 1 } })).json());
});

test('the page of the description loads nothing from elsewhere', async (t) => {
  const { ask } = await makeApi(t);
  const page = await ask('GET', '/docs');
  t.is(page.headers['content-type'], 'text/html; charset=utf-8');
  t.regex(page.body, /\/v1\/\{project\}\/shelves/);
  t.notRegex(page.body, /(src|href)="(https?:)?\/\//);
});

test('status tells of kernel, forwarder, plugins, counts and alarms', async (t) => {
  const { ask, world, control } = await makeApi(t);
  const healthy = (await ask('GET', '/v1/status')).json();
  t.like(healthy, {
    healthy: true,
    kernel: { version: '9.9.9', pid: process.pid },
    forwarder: { state: 'running' },
    counts: { Project: 1 },
  });
  await world.pipeline.setAlarm('a.b', { severity: 'critical', subject: 'x', text: 'y' });
  const alarmed = (await ask('GET', '/v1/status')).json();
  t.false(alarmed.healthy);
  t.is(alarmed.alarms[0].status.text, 'y');
  await control.change('library', { enabled: false });
  t.is((await ask('GET', '/readyz')).statusCode, 200, 'a disabled plugin is not missed');
});

test('kinds and operations are listed with their plugin and schema', async (t) => {
  const { ask } = await makeApi(t);
  const kinds = (await ask('GET', '/v1/kinds')).json<{ kind: string; plugin: string; spec: object }[]>();
  t.deepEqual(kinds.map(({ kind, plugin }) => `${plugin}.${kind}`).sort(), [
    'kernel.Alarm',
    'kernel.Project',
    'kernel.Role',
    'kernel.Secret',
    'kernel.Token',
    'labels.Label',
    'library.Book',
    'library.Shelf',
  ]);
  const operations = (await ask('GET', '/v1/operations')).json<{ name: string; plugin: string }[]>();
  t.deepEqual(
    operations.map(({ name, plugin }) => `${plugin}.${name}`),
    ['library.count', 'library.follow'],
  );
});

test('metrics have names that Prometheus users expect', async (t) => {
  const { ask } = await makeApi(t);
  await ask('GET', '/v1/projects');
  const text = (await ask('GET', '/metrics')).body;
  t.regex(text, /weft_objects\{process="kernel",kind="Project"\} 1/);
  t.regex(text, /weft_plugin_up\{process="kernel",plugin="library"\} 1/);
  t.regex(text, /weft_api_requests_total\{process="kernel",method="GET",route="\/v1\/projects",status="200"\} 1/);
  for (const [, name = '', type] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    t.regex(name, /^weft_[a-z]+(_[a-z]+)*$/);
    t.is(name.endsWith('_total'), type === 'counter', name);
    t.notRegex(name, /_(ms|milliseconds|kib|mib|percent)(_|$)/, 'base units only');
    if (type === 'histogram') t.regex(name, /_seconds$/);
  }
});

test('an operation gets its checked input; unknown ones, bad input and a plugin that is away are refused', async (t) => {
  const { ask, control } = await makeApi(t);
  const url = '/v1/default/operations/library.count';
  t.deepEqual((await ask('POST', url, { shelf: 'a' })).json(), { asked: { name: 'count', project: 'default', input: { shelf: 'a' } } });
  t.is((await ask('POST', url)).statusCode, 200, 'no body is an empty input');
  const bad = await ask('POST', url, { shelv: 'a' });
  t.is(bad.statusCode, 422);
  t.is(bad.json().errors[0].pointer, '/shelv');
  t.is((await ask('POST', '/v1/default/operations/library.cuont')).statusCode, 404);
  t.is((await ask('POST', '/v1/nowhere/operations/library.count')).statusCode, 404);
  t.is((await ask('POST', '/v1/-/operations/library.count', {})).json().asked.project, '-', 'all projects');
  await control.change('library', { enabled: false });
  t.is((await ask('POST', url)).statusCode, 503);
});

test('a stream operation sends events, and its failure as the last of them', async (t) => {
  const api = await makeApi(t);
  const text = await stream(await listen(t, api), '/v1/default/operations/library.follow', [/event: error/], { method: 'POST' });
  t.regex(text, /event: item\ndata: \{"first":"follow"\}\n\nevent: item\ndata: \{"second":"default"\}/);
  t.regex(text, /event: error\ndata: \{.*"code":"UNAVAILABLE"/);
});

test('a stream operation that can be a file sends its parts as base64; others refuse', async (t) => {
  const api = await makeApi(t);
  const path = '/v1/default/operations/library.follow?file=true';
  const text = await stream(await listen(t, api), path, [/event: end/], { method: 'POST' });
  t.regex(text, /event: item\ndata: "YQ=="\n\nevent: item\ndata: "ZmlsZQ=="\n\nevent: end/);
  const refused = await api.ask('POST', '/v1/default/operations/library.count?file=true', {});
  t.is(refused.statusCode, 400);
  t.regex(refused.json().detail, /library.count gives no file/);
});

test('a watch sends what was and what comes, with revisions as ids', async (t) => {
  const api = await makeApi(t);
  const { revision } = await api.world.apply([shelf('a')]);
  const path = await listen(t, api);
  const text = await stream(path, `/v1/watch?kinds=shelves&since=${revision - 1}`, [/event: deleted/], {
    onStart: () => {
      void api.world
        .apply([shelf('a', { width: 5 })])
        .then(() => api.world.apply([], { remove: [{ key: { kind: 'Shelf', project: 'default', name: 'a' } }] }));
    },
  });
  t.deepEqual(
    [...text.matchAll(/id: (\d+)\nevent: (\w+)\ndata: (.*)\n/g)].map(([, id, event, data = '']) => [
      Number(id),
      event,
      JSON.parse(data).spec.width,
    ]),
    [
      [revision, 'created', 80],
      [revision + 1, 'updated', 5],
      [revision + 2, 'deleted', 5],
    ],
  );
});

test('plugins are listed, enabled, configured and restarted; bad wishes name the field', async (t) => {
  const { ask, control } = await makeApi(t);
  t.is((await ask('GET', '/v1/plugins')).json().length, 2);
  t.like((await ask('PUT', '/v1/plugins/library', { enabled: false })).json(), { enabled: false, state: 'disabled' });
  t.is((await ask('POST', '/v1/plugins/library/restart')).statusCode, 409);
  t.like((await ask('PUT', '/v1/plugins/library', { enabled: true, settings: { quiet: false } })).json(), { settings: { quiet: false } });
  t.is((await ask('POST', '/v1/plugins/library/restart')).statusCode, 200);
  t.deepEqual(control.restarted, ['library']);
  const bad = await ask('PUT', '/v1/plugins/library', { settings: { quite: false } });
  t.is(bad.json().errors[0].pointer, '/settings/quite');
  t.is((await ask('PUT', '/v1/plugins/library', { enabled: 'yes' })).json().errors[0].pointer, '/enabled');
  t.is((await ask('GET', '/v1/plugins/libary')).statusCode, 404);
});

test('the log of a plugin is read from its end, and followed', async (t) => {
  const api = await makeApi(t);
  const file = join(api.logDir, 'library.log');
  t.is((await api.ask('GET', '/v1/plugins/library/logs')).body, '', 'no log yet');
  writeFileSync(file, Array.from({ length: 500 }, (_, index) => `{"line":${index}}\n`).join(''));
  t.is((await api.ask('GET', '/v1/plugins/library/logs?lines=2')).body, '{"line":498}\n{"line":499}\n');
  t.is((await api.ask('GET', '/v1/plugins/library/logs')).body.split('\n').length, 101);
  t.is((await api.ask('GET', '/v1/plugins/library/logs?lines=0')).body, '');
  const path = await listen(t, api);
  const text = await stream(path, '/v1/plugins/library/logs?lines=1&follow=true', [/new/], {
    onStart: () => appendFileSync(file, '{"new":1}\n'),
  });
  t.is(text, '{"line":499}\n{"new":1}\n');
});

test('a log line that only looks like JSON is shown as a message, control characters escaped', async (t) => {
  const api = await makeApi(t);
  writeFileSync(join(api.logDir, 'kernel.log'), '{"a":1}\n{\u001b[2J}\n');
  t.is((await api.ask('GET', '/v1/plugins/kernel/logs')).body, '{"a":1}\n{"msg":"{\\u001b[2J}"}\n');
});

test('the logs of kernel and forwarder are shown as those of plugins, what is no JSON in them as messages', async (t) => {
  const api = await makeApi(t);
  const file = join(api.logDir, 'forwarder.log');
  writeFileSync(file, '{"line":1}\nstate memory: "new"\n');
  const lines = '{"line":1}\n{"msg":"state memory: \\"new\\""}\n';
  t.is((await api.ask('GET', '/v1/plugins/forwarder/logs')).body, lines);
  t.is((await api.ask('GET', '/v1/plugins/kernel/logs')).body, '');
  t.is((await api.ask('GET', '/v1/plugins/nobody/logs')).statusCode, 404);
  const path = await listen(t, api);
  const text = await stream(path, '/v1/plugins/forwarder/logs?lines=1&follow=true', [/end/], {
    onStart: () => {
      appendFileSync(file, 'EAL: half a');
      setTimeout(() => appendFileSync(file, ' line\n{"end":1}\n'), 600);
    },
  });
  t.true(text.endsWith('{"msg":"EAL: half a line"}\n{"end":1}\n'), text);
});

test('the socket tells who is at its other end, and may be opened by all', async (t) => {
  const api = await makeApi(t);
  const seen: (number | null)[] = [];
  api.app.server.on('connection', (socket) => seen.push(peerUid(socket)));
  const path = await listen(t, api);
  t.regex(await stream(path, '/healthz', [/ok/]), /"ok"/);
  t.deepEqual(seen, [process.getuid?.()]);
  t.is(statSync(path).mode & 0o777, 0o666);
});
