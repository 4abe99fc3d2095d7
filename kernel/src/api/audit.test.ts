import { appendFileSync, readFileSync, renameSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { type AuditLine, AuditLog } from './audit.ts';
import { newestLines } from './log-file.ts';
import { listenOnSocket } from './server.ts';
import { makeApi, type TestApi } from './test/api.ts';

function lines({ logDir }: TestApi): AuditLine[] {
  const text = readFileSync(join(logDir, 'audit.log'), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as AuditLine);
}

async function lastLine(api: TestApi): Promise<AuditLine> {
  const last = lines(api).at(-1);
  if (last === undefined) throw new Error('the audit log is empty');
  return last;
}

test('a change leaves one line that says who, what and what came of it', async (t) => {
  const api = await makeApi(t);
  const answer = await api.ask('PUT', '/v1/default/shelves/a', { spec: {} });
  const line = await lastLine(api);
  t.like(line, {
    subject: 'user:uid-0',
    by: 'uid',
    source: 'uid 0',
    method: 'PUT',
    route: '/v1/{project}/shelves/{name}',
    parameters: { project: 'default', name: 'a' },
    objects: ['Shelf/default/a'],
    count: 1,
    dryRun: false,
    status: 201,
    code: '',
    skipped: 0,
  });
  t.is(line.request, String(answer.headers['x-request-id']));
  t.is(line.revision, answer.json().metadata.revision);
  t.true(Math.abs(Date.parse(line.time) - Date.now()) < 10_000 && line.milliseconds >= 0);
});

test('reads leave no line; tries, operations, plugin control, trials and rollbacks do', async (t) => {
  const api = await makeApi(t);
  await api.ask('PUT', '/v1/default/shelves/a', { spec: {} });
  for (const url of ['/v1/default/shelves', '/v1/status', '/openapi.json', '/nowhere', '/v1/audit']) await api.ask('GET', url);
  await api.ask('POST', '/v1/default/operations/library.count', {});
  t.is(lines(api).length, 1, 'an operation that only shows is a read');
  const told: [Parameters<TestApi['ask']>, Partial<AuditLine>][] = [
    [['PUT', '/v1/default/shelves/a', { spec: { width: -1 } }], { status: 422, code: 'INVALID' }],
    [['PUT', '/v1/default/shelves/a', '{'], { status: 400, code: 'MALFORMED' }],
    [['DELETE', '/v1/default/shelves/a?dryRun=true'], { status: 200, dryRun: true }],
    [['DELETE', '/v1/default/shelves/ghost'], { status: 404, objects: ['Shelf/default/ghost'] }],
    [
      ['POST', '/v1/default/operations/library.follow', {}],
      { status: 200, parameters: { project: 'default', operation: 'library.follow' } },
    ],
    [['PUT', '/v1/plugins/labels', { enabled: true }], { parameters: { name: 'labels' } }],
    [['POST', '/v1/plugins/labels/restart'], { route: '/v1/plugins/{name}/restart' }],
    [['POST', '/v1/trials/7/confirm'], { status: 404, parameters: { number: '7' } }],
    [['POST', '/v1/rollback?revision=1&dryRun=true'], { status: 200, dryRun: true }],
  ];
  for (const [at, [request, wanted]] of told.entries()) {
    await api.ask(...request);
    t.is(lines(api).length, at + 2, request.slice(0, 2).join(' '));
    t.like(await lastLine(api), wanted, request.slice(0, 2).join(' '));
  }
});

test('a large apply names its first objects and counts all', async (t) => {
  const api = await makeApi(t);
  const objects = Array.from({ length: 30 }, (_, index) => ({ kind: 'Shelf', metadata: { name: `s${index}` } }));
  await api.ask('POST', '/v1/apply', { objects, delete: [] });
  const line = await lastLine(api);
  t.is(line.count, 30);
  t.is(line.objects.length, 20);
  t.is(line.objects[0], 'Shelf/default/s0');
});

test('who is refused leaves a line even for a read; no secret, token or body stands in any', async (t) => {
  const api = await makeApi(t);
  await api.ask('POST', '/v1/tokens', { metadata: { name: 'ci' }, spec: {} });
  const { token } = (await api.ask('POST', '/v1/tokens/ci/issue')).json<{ token: string }>();
  await api.ask('POST', '/v1/default/secrets', { metadata: { name: 's' }, spec: { data: { password: 'hunter2' } } });
  await api.ask('GET', '/v1/default/shelves/a', undefined, { authorization: `Bearer ${token}` });
  t.like(await lastLine(api), { status: 403, code: 'FORBIDDEN', subject: 'token:ci', by: 'token', method: 'GET' });
  await api.ask('GET', '/v1/default/shelves/a', undefined, { authorization: `Bearer ${token}x` });
  t.like(await lastLine(api), { status: 401, code: 'UNAUTHENTICATED', subject: null, by: null });
  const text = JSON.stringify(lines(api));
  t.notRegex(text, /hunter2/);
  t.false(text.includes(token.slice(-20)));
});

test('an administrator reads it, newest first, by time and subject; nobody else does', async (t) => {
  const api = await makeApi(t);
  for (const name of ['a', 'b', 'c']) await api.ask('PUT', `/v1/default/shelves/${name}`, { spec: {} });
  api.uid = 1000;
  await api.ask('PUT', '/v1/default/shelves/d', { spec: {} });
  t.is((await api.ask('GET', '/v1/audit')).statusCode, 403);
  api.uid = 0;
  const read = async (query: string): Promise<string[]> =>
    (await api.ask('GET', `/v1/audit${query}`))
      .json<{ items: AuditLine[] }>()
      .items.map(({ subject, parameters }) => `${subject} ${parameters.name}`);
  t.deepEqual(await read('?subject=user:uid-0&limit=2'), ['user:uid-0 c', 'user:uid-0 b']);
  t.deepEqual((await read('')).slice(1), ['user:uid-1000 d', 'user:uid-0 c', 'user:uid-0 b', 'user:uid-0 a']);
  t.deepEqual(await read('?since=2100-01-01T00:00:00Z'), []);
  t.is((await api.ask('GET', '/v1/audit?since=yesterday')).statusCode, 400);
  renameSync(join(api.logDir, 'audit.log'), join(api.logDir, 'audit.log.1'));
  await api.ask('PUT', '/v1/default/shelves/e', { spec: {} });
  appendFileSync(join(api.logDir, 'audit.log'), '   \n{"half a li\n');
  t.deepEqual((await read('?subject=user:uid-0')).slice(0, 2), ['user:uid-0 e', 'user:uid-0 c'], 'what was cut off comes after');
});

test('a flood of refusals is counted instead of written; what is done is always written', (t) => {
  let now = 0;
  const written: AuditLine[] = [];
  const log = new AuditLog(
    (line) => written.push(JSON.parse(line) as AuditLine),
    () => now,
  );
  const line = { request: '', subject: null, by: null, source: '', method: 'GET', route: null, parameters: {}, objects: [] } as const;
  const tell = (status: number): void =>
    log.record({ ...line, count: 0, dryRun: false, status, code: '', revision: null, milliseconds: 0 });
  for (let count = 0; count < 10_000; count += 1) tell(403);
  t.is(written.length, 500);
  tell(200);
  t.like(written.at(-1), { status: 200, skipped: 9_500 });
  tell(200);
  t.is(written.at(-1)?.skipped, 0);
  now = 1_000;
  for (let count = 0; count < 100; count += 1) tell(401);
  t.is(written.length, 502 + 20);
});

test('what is refused before anybody is known is no line: it would cost nobody anything to fill the log', async (t) => {
  const api = await makeApi(t);
  await api.ask('PUT', '/v1/default/shelves/a', { spec: {} });
  const path = join(api.logDir, 'api.sock');
  await listenOnSocket(api.app, path);
  const socket = createConnection(path).end('PUT /v1/default/shelves/b HTTP/1.1\r\nContent-Length: 0\r\n\r\n');
  t.regex(await text(socket), /^HTTP\/1.1 400 .*no header Host/s);
  t.is(lines(api).length, 1);
});

test('a rollback names what it has changed', async (t) => {
  const api = await makeApi(t);
  const made = await api.ask('PUT', '/v1/default/shelves/a', { spec: {} });
  await api.ask('PUT', '/v1/default/shelves/b', { spec: {} });
  await api.ask('POST', `/v1/rollback?revision=${made.json().metadata.revision}`);
  t.like(await lastLine(api), { route: '/v1/rollback', objects: ['Shelf/default/b'], count: 1 });
});

test('all of a large log is read, whatever its lines', async (t) => {
  const api = await makeApi(t);
  const padding = 'ä'.repeat(40_000);
  const line = (index: number) => `${JSON.stringify({ time: '2026-01-01T00:00:00Z', subject: `user:${index}`, pad: padding })}\n`;
  for (let index = 0; index < 120; index += 1) appendFileSync(join(api.logDir, 'audit.log'), line(index));
  const subjects: string[] = [];
  for await (const one of newestLines(join(api.logDir, 'audit.log'))) {
    const { subject, pad } = JSON.parse(one) as { subject: string; pad: string };
    t.is(pad, padding);
    subjects.push(subject);
  }
  t.deepEqual(
    subjects,
    Array.from({ length: 120 }, (_, index) => `user:${119 - index}`),
  );
});

test('a line that a full disk has cut does not spoil the one after it', (t) => {
  let written = '';
  let room = 10;
  const log = new AuditLog((line) => {
    written += line.slice(0, room);
    if (room < line.length) throw new Error('no space left on device');
  });
  const line = { request: '', subject: null, by: null, source: '', method: 'PUT', route: null, parameters: {}, objects: [] } as const;
  const tell = (): void => log.record({ ...line, count: 0, dryRun: false, status: 200, code: '', revision: null, milliseconds: 0 });
  t.throws(tell);
  room = 10_000;
  tell();
  tell();
  const [cut, ...whole] = written.trim().split('\n');
  t.is(cut?.length, 10);
  t.deepEqual(
    whole.map((one) => (JSON.parse(one) as AuditLine).method),
    ['PUT', 'PUT'],
  );
});

test('a log that cannot be written is told of, and keeps nothing from being done', async (t) => {
  const api = await makeApi(t, {
    audit: new AuditLog(() => {
      throw new Error('no space left on device');
    }),
  });
  t.is((await api.ask('PUT', '/v1/default/shelves/a', { spec: {} })).statusCode, 201);
  t.is((await api.ask('GET', '/v1/default/shelves/a')).statusCode, 200);
});
