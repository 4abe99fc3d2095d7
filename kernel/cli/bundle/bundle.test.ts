import { execFileSync } from 'node:child_process';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { FakeApi, type Route, weft } from '../test/fake-api.ts';

async function withApi(t: ExecutionContext, routes: Readonly<Record<string, Route>>): Promise<FakeApi> {
  const api = await new FakeApi(routes).start();
  t.teardown(() => api.stop());
  return api;
}

/** All files of an archive, by their path without the bundle's folder. */
function unpack(archive: string): Record<string, string> {
  const names = execFileSync('tar', ['-tzf', archive], { encoding: 'utf8' })
    .split('\n')
    .filter((name) => name !== '' && !name.endsWith('/'));
  return Object.fromEntries(
    names.map((name) => [name.slice(name.indexOf('/') + 1), execFileSync('tar', ['-xzOf', archive, name], { encoding: 'utf8' })]),
  );
}

const free = { type: 'string' };
const kinds = [
  {
    kind: 'Secret',
    plural: 'secrets',
    scope: 'project',
    plugin: 'kernel',
    spec: { type: 'object', properties: { data: { type: 'object' } } },
    status: {},
    references: [],
  },
  {
    ...{
      kind: 'InstanceData',
      plural: 'instance-data',
      scope: 'project',
      plugin: 'metadata',
      references: [{ pointer: '/spec/port', kind: 'Port' }],
    },
    spec: {
      type: 'object',
      properties: {
        port: free,
        userData: free,
        keys: { type: 'array', items: free },
        metaData: { type: 'object' },
        size: { type: 'integer' },
      },
    },
    status: { type: 'object', properties: { reason: free } },
  },
];
const canary = 'hunter2-canary';
const metadata = {
  name: 'a',
  project: 'default',
  uid: 'u',
  revision: 1,
  generation: 1,
  createdAt: '2026-01-02T03:04:05Z',
  labels: { note: canary },
};
const routes: Record<string, Route> = {
  'GET /v1/kinds': () => kinds,
  'GET /v1/status': () => ({
    ...{ healthy: false, kernel: { version: '1' }, forwarder: { state: 'running' }, counts: {} },
    plugins: [{ name: 'one', state: 'failed', reason: `its setting is "${canary}"` }],
    alarms: [{ metadata, status: { severity: 'critical', subject: 'one', text: `bad "${canary}"`, since: 'now' } }],
  }),
  'GET /v1/plugins': () => [
    { name: 'one', version: '1', state: 'running', settings: { size: 5, password: canary, note: canary, [canary]: 1 } },
  ],
  'GET /v1/settings': () => ({
    properties: { plugins: { properties: { one: { properties: { size: { type: 'integer' }, password: free, note: free } } } } },
  }),
  'GET /v1/-/secrets': () => ({ items: [{ metadata, spec: { data: { password: canary } }, status: {} }] }),
  'GET /v1/-/instance-data': () => ({
    items: [
      {
        metadata,
        spec: { port: 'web1', userData: canary, keys: [canary], metaData: { [canary]: canary }, size: 3 },
        status: { reason: `no "${canary}"` },
      },
    ],
  }),
  'GET /v1/history': () => ({
    items: [{ revision: 1, time: 't', subject: 's', type: 'updated', key: {}, touched: [`/spec/data/${canary}`] }],
  }),
  'GET /v1/operations': () => [
    {
      plugin: 'one',
      name: 'counts',
      bundle: true,
      stream: false,
      output: { type: 'object', properties: { items: { items: { properties: { name: free } } } } },
    },
    { plugin: 'one', name: 'other', stream: false, output: {} },
  ],
  'POST /v1/-/operations/one.counts': () => ({ items: [{ name: 'x', token: canary }] }),
  'GET /metrics': (_request, response) => void response.writeHead(200).end('weft_objects 1\n'),
};

test('a bundle holds what is on the list, nothing of what users wrote, and says so', async (t) => {
  const api = await withApi(t, routes);
  mkdirSync(join(api.folder, 'log'));
  writeFileSync(join(api.folder, 'log', 'kernel.log'), '{"msg":"one"}\n'.repeat(100_000));
  writeFileSync(join(api.folder, 'log', 'audit.log'), canary);
  const config = join(api.folder, 'weft.yaml');
  writeFileSync(config, `logLevel: ${canary}\nstore: {retention: 5}\n`);
  const archive = join(api.folder, 'b.tar.gz');
  const args = ['support-bundle', '-w', archive, '--config', config, '--log-mib', '1'];
  const outcome = await weft(api.address, args, { env: { WEFT_TOKEN: canary } });
  t.deepEqual({ code: outcome.code, out: outcome.out, err: outcome.err }, { code: 0, out: `${archive}\n`, err: '' });
  t.is(statSync(archive).mode & 0o777, 0o600);
  const files = unpack(archive);
  for (const [name, text] of Object.entries(files)) t.false(text.includes(canary), name);
  const json = (name: string): never => JSON.parse(files[name] ?? '') as never;
  t.like(json('plugins.json'), [{ name: 'one', settings: { size: 5 } }]);
  t.like(json('objects/instance-data.json'), [{ spec: { port: 'web1', size: 3, userData: '(left out)' }, status: { reason: 'no "…"' } }]);
  t.deepEqual(Object.keys(json('objects/secrets.json')[0] as object), ['metadata']);
  t.deepEqual(json('settings.json'), { logLevel: '(left out)', store: { retention: 5 } });
  t.like(json('operations/one.counts.json'), { items: [{ name: 'x' }] });
  t.is(files['operations/one.other.json'], undefined);
  t.is(files['metrics.txt'], 'weft_objects 1\n');
  t.regex(files['logs/kernel.log'] ?? '', /^(\{"msg":"one"\}\n){70000,75000}$/);
  t.like(json('host.json'), { kernel: { node: process.version } });
  const { leftOut } = json('manifest.json') as { leftOut: { what: string }[] };
  const said = leftOut.map(({ what }) => what);
  for (const what of [
    'objects: InstanceData: spec.userData',
    'objects: Secret: spec and status',
    'plugins: settings of one: password',
    'logs: audit.log',
    'settings: logLevel',
  ])
    t.true(said.includes(what), `${what}: ${said.join(', ')}`);
});

test('what logs quote and a settings file that is no YAML stay behind', async (t) => {
  const api = await withApi(t, {});
  const state = join(api.folder, 'state');
  mkdirSync(join(state, 'log'), { recursive: true });
  const lines = [
    JSON.stringify({ level: 50, msg: `"${canary}" is wrong`, err: { message: `no "${canary}"` }, password: canary, plugin: 'dns' }),
    `SyntaxError: Unexpected token, "${canary}" is not valid JSON`,
  ];
  writeFileSync(join(state, 'log', 'dns.log'), `${lines.join('\n')}\n`);
  const config = join(api.folder, 'weft.yaml');
  writeFileSync(config, `plugins:\n  dns: { password: ${canary}: x }\n`);
  const archive = join(api.folder, 'b.tar.gz');
  const outcome = await weft('unix:/nowhere/api.sock', ['support-bundle', '-w', archive, '--state-dir', state, '--config', config]);
  t.regex(outcome.err, /^without settings: \S+weft\.yaml is not YAML: line 2$/m);
  t.false(outcome.err.includes(canary));
  const files = unpack(archive);
  for (const [name, text] of Object.entries(files)) t.false(text.includes(canary), name);
  t.regex(files['logs/dns.log'] ?? '', /"level":50,"msg":"\\"…\\" is wrong".*"plugin":"dns"\}\nSyntaxError: .* "…" is not valid JSON\n$/);
});

test('a file that was there is closed to others', async (t) => {
  const api = await withApi(t, routes);
  const archive = join(api.folder, 'b.tar.gz');
  writeFileSync(archive, '', { mode: 0o644 });
  t.is((await weft(api.address, ['support-bundle', '-w', archive])).code, 0);
  t.is(statSync(archive).mode & 0o777, 0o600);
});

test('without the API a bundle holds logs and the host, and says what is missing', async (t) => {
  const api = await withApi(t, {});
  const state = join(api.folder, 'state');
  mkdirSync(join(state, 'log'), { recursive: true });
  writeFileSync(join(state, 'log', 'kernel.log'), 'the end\n');
  const archive = join(api.folder, 'b.tar.gz');
  const outcome = await weft('unix:/nowhere/api.sock', ['support-bundle', '-w', archive, '--state-dir', state]);
  t.is(outcome.code, 0);
  t.regex(outcome.err, /^without status, plugins, objects, history, operations, metrics: Weft is not running here .+\n$/);
  const files = unpack(archive);
  t.deepEqual(Object.keys(files).sort(), ['host.json', 'logs/kernel.log', 'manifest.json']);
  t.regex(files['manifest.json'] ?? '', /"missing": "Weft is not running here/);
});

test('a file that cannot be written is said before anything is asked', async (t) => {
  const api = await withApi(t, {});
  const outcome = await weft(api.address, ['support-bundle', '-w', '/nowhere/b.tar.gz']);
  t.is(outcome.code, 1);
  t.regex(outcome.err, /^error: ENOENT: no such file or directory \(\/nowhere\/b\.tar\.gz\): name a file that you may write with -w\n$/);
  t.is(api.requests.length, 0);
});
