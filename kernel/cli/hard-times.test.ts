/** The command where the caller asks oddly, or what answers is no Weft, hangs or breaks: one line, an exit code, no defect. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Client } from './client.ts';
import { FakeApi, problem, type Route, weft } from './test/fake-api.ts';

async function withApi(t: ExecutionContext, routes: Readonly<Record<string, Route>>): Promise<FakeApi> {
  const api = await new FakeApi(routes).start();
  t.teardown(() => api.stop());
  return api;
}

const port = {
  kind: 'Port',
  metadata: { project: 'default', name: 'web1', uid: 'u', revision: 1, generation: 1 },
  spec: {},
  status: { phase: 'Active' },
};
const ports: Route = () => ({ revision: 1, items: [port] });

const waits: [timeout: string, code: number, err: RegExp][] = [
  ['0', 0, /^$/],
  ['1.5ms', 0, /^$/],
  ['2000h', 0, /^$/],
  ['2000000h', 2, /at most 100 years/],
];
for (const [timeout, code, err] of waits)
  test(`wait --timeout=${timeout} of what is ready exits ${code}`, async (t) => {
    const api = await withApi(t, { 'GET /v1/default/ports': ports });
    const outcome = await weft(api.address, ['wait', 'port', 'web1', '--for=ready', `--timeout=${timeout}`]);
    t.is(outcome.code, code, outcome.err);
    t.regex(outcome.err, err);
  });

test('wait does not hang longer than asked for when the API does', async (t) => {
  const api = await withApi(t, { 'GET /v1/kinds': () => undefined });
  const outcome = await weft(api.address, ['wait', 'port', 'web1', '--for=ready', '--timeout=10ms']);
  t.is(outcome.code, 1);
  t.regex(outcome.err, /no answer within 1 s/);
});

const foreign: [what: string, answer: Route, err: RegExp][] = [
  [
    'errors of another form',
    (_request, response) => problem(response, 500, { detail: { a: 1 }, errors: 'x', fix: 3 }),
    /the API answered 500/,
  ],
  ['control characters', (_request, response) => problem(response, 403, { detail: 'no \u001b[31mred\nx' }), /error: no \\x1b\[31mred x \(/],
  [
    'half a refusal',
    (_request, response) => void response.writeHead(500, { 'content-length': '99' }).write('{', () => response.destroy()),
    /no connection to Weft/,
  ],
];
for (const [what, answer, err] of foreign)
  test(`${what} become one line`, async (t) => {
    const api = await withApi(t, { 'GET /v1/status': answer });
    const outcome = await weft(api.address, ['status']);
    t.is(outcome.code, 1);
    t.regex(outcome.err, err);
    t.regex(outcome.err, /^error: [^\n]+\n$/);
    t.false(outcome.err.includes('defect'));
  });

test('a refusal whose end never comes is waited for no longer than an answer', async (t) => {
  const api = await withApi(t, { 'GET /v1/status': (_request, response) => void response.writeHead(500).write('{') });
  await t.throwsAsync(new Client({ WEFT_API: api.address }, 200).json('/v1/status'), { message: /no answer within 0.2 s/ });
});

test('an event that is no JSON is said', async (t) => {
  const routes = {
    'GET /v1/default/ports': ports,
    'GET /v1/watch': ((_request, response) => void response.end('id: 2\nevent: created\ndata: {bad\n\n')) satisfies Route,
  };
  const outcome = await weft((await withApi(t, routes)).address, ['get', 'port', '-w']);
  t.is(outcome.code, 1);
  t.regex(outcome.err, /^error: the API sent an event that is not JSON \(/);
});

test('a token or certificate that cannot be sent is wrong usage', async (t) => {
  const api = await withApi(t, {});
  const token = await weft(api.address, ['status'], { env: { WEFT_TOKEN: 'a\r\nb' } });
  t.deepEqual([token.code, token.err.includes('WEFT_TOKEN'), token.err.includes('defect')], [2, true, false]);
  const file = join(api.folder, 'no.pem');
  writeFileSync(file, 'x');
  const certificate = await weft('https://127.0.0.1:1', ['status'], { env: { WEFT_CERT: file, WEFT_KEY: file } });
  t.deepEqual([certificate.code, certificate.err.includes('WEFT_CERT')], [2, true]);
});

test('one object of all projects is wrong usage, and nothing is deleted', async (t) => {
  const api = await withApi(t, {});
  for (const verb of ['get', 'describe', 'delete', 'edit']) {
    const outcome = await weft(api.address, [verb, 'port', 'web1', '-A']);
    t.is(outcome.code, 2, verb);
    t.regex(outcome.err, /^error: -A names no project \(Port\): name the project of the object: --project\n$/);
  }
  t.false(api.requests.some(({ method }) => method === 'POST'));
});

test('who may not see alarms sees the object all the same', async (t) => {
  const api = await withApi(t, {
    'GET /v1/default/ports/web1': () => port,
    'GET /v1/alarms': (_request, response) => problem(response, 403, { code: 'FORBIDDEN', detail: 'no' }),
  });
  const outcome = await weft(api.address, ['describe', 'port', 'web1']);
  t.is(outcome.code, 0);
  t.regex(outcome.out, /^alarms: "not shown/m);
});

test('counts and times out of range are wrong usage', async (t) => {
  const api = await withApi(t, {});
  const lines = [
    ['audit', '-n', '10001'],
    ['audit', '--since', '99999999999h'],
    ['history', '-n', '10001'],
    ['plugin', 'logs', 'dns', '-n', '100001'],
    ['support-bundle', '--log-mib', '0'],
  ];
  for (const args of lines) t.is((await weft(api.address, args)).code, 2, args.join(' '));
  t.deepEqual(api.requests, []);
});

test('a file in a directory that cannot be read is named', async (t) => {
  const api = await withApi(t, {});
  const folder = join(api.folder, 'd');
  mkdirSync(join(folder, 'x.yaml'), { recursive: true });
  t.regex((await weft(api.address, ['apply', '-f', folder])).err, /^error: cannot read the file: EISDIR.* \(\S+x\.yaml\): /);
  rmSync(join(folder, 'x.yaml'), { recursive: true });
  symlinkSync('/nowhere', join(folder, 'y.yaml'));
  t.regex((await weft(api.address, ['apply', '-f', folder])).err, /^error: there is no such file \(\S+y\.yaml\): /);
});

test('a backup never takes the place of what is no file', async (t) => {
  const api = await withApi(t, { 'GET /v1/backup': (_request, response) => void response.end('all') });
  const folder = mkdtempSync(join(tmpdir(), 'weft-cli-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const device = join(folder, 'device');
  symlinkSync('/dev/null', device);
  for (const target of [device, folder]) {
    const outcome = await weft(api.address, ['backup', '-w', target]);
    t.is(outcome.code, 1);
    t.regex(outcome.err, /^error: this is no ordinary file \(/);
  }
  t.true(statSync(device).isCharacterDevice());
  t.deepEqual(readdirSync(folder), ['device']);
  const draft = join(folder, 'b.part');
  writeFileSync(draft, 'old', { mode: 0o644 });
  t.is((await weft(api.address, ['backup', '-w', join(folder, 'b')])).code, 0);
  t.is(statSync(join(folder, 'b')).mode & 0o777, 0o600);
  t.false(existsSync(draft));
});

test('explain lists plugins and operations, and shows the help of a command', async (t) => {
  const api = await withApi(t, { 'GET /v1/plugins': () => [{ name: 'one', summary: 'The first' }] });
  t.is((await weft(api.address, ['explain', 'plugin'])).out, 'PLUGIN  MEANING\none     The first\n');
  t.regex((await weft(api.address, ['explain', 'operation'])).out, /^OPERATION\s+MEANING\n\S+\.\S+ /);
  t.regex((await weft(api.address, ['explain', 'rollback'])).out, /^Usage: weft rollback/);
});
