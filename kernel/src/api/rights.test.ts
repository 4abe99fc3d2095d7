import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { LightMyRequestResponse } from 'fastify';
import { fail } from '../../contract/system/index.ts';
import { Identities, Tokens } from '../rights/index.ts';
import { makeApi, type TestApi } from './test/api.ts';

/** Projects red and blue with a shelf each; user 1000 is operator in red, 1001 viewer in red. */
async function twoTenants(t: ExecutionContext): Promise<TestApi> {
  const api = await makeApi(t);
  for (const project of ['red', 'blue']) {
    await api.ask('POST', '/v1/projects', { metadata: { name: project } });
    await api.ask('POST', `/v1/${project}/shelves`, { metadata: { name: `${project}-shelf` } });
  }
  const role = (name: string, spec: object): Promise<LightMyRequestResponse> => api.ask('POST', '/v1/roles', { metadata: { name }, spec });
  t.is((await role('red-operators', { role: 'operator', projects: ['red'], subjects: ['uid:1000', 'token:ci'] })).statusCode, 201);
  await role('red-viewers', { role: 'viewer', projects: ['red'], subjects: ['uid:1001'] });
  return api;
}

function names(response: LightMyRequestResponse): string[] {
  return response.json<{ items: { metadata: { name: string } }[] }>().items.map(({ metadata }) => metadata.name);
}

test('a tenant works in its project and learns nothing of another one', async (t) => {
  const api = await twoTenants(t);
  api.uid = 1000;
  t.is((await api.ask('POST', '/v1/red/shelves', { metadata: { name: 'mine' } })).statusCode, 201);
  t.deepEqual(names(await api.ask('GET', '/v1/-/shelves')), ['mine', 'red-shelf']);
  t.deepEqual(names(await api.ask('GET', '/v1/projects')), ['red']);
  const existing = await api.ask('GET', '/v1/blue/shelves/blue-shelf');
  const missing = await api.ask('GET', '/v1/blue/shelves/ghost');
  t.is(existing.statusCode, 403);
  t.deepEqual(existing.json(), missing.json(), 'the same answer whether it exists or not');
  t.deepEqual((await api.ask('GET', '/v1/nowhere/shelves')).statusCode, 403, 'and whether the project exists or not');
  for (const project of ['blue', 'nowhere']) {
    const body = { objects: [{ kind: 'Shelf', metadata: { name: 'x', project } }], delete: [] };
    t.is((await api.ask('POST', '/v1/apply', body)).statusCode, 403, project);
    const removal = { objects: [], delete: [{ kind: 'Shelf', project, name: 'blue-shelf' }] };
    t.is((await api.ask('POST', '/v1/apply', removal)).statusCode, 403, project);
  }
  t.is((await api.ask('GET', '/v1/roles')).statusCode, 403);
  t.is((await api.ask('GET', '/v1/history')).statusCode, 403);
  t.is((await api.ask('POST', '/v1/rollback?revision=1')).statusCode, 403);
  t.is((await api.ask('PUT', '/v1/plugins/library', { enabled: false })).statusCode, 403);
  api.uid = 0;
  t.deepEqual(names(await api.ask('GET', '/v1/blue/shelves')), ['blue-shelf']);
});

test('a reference to another project is refused in the same words whether its target exists or not', async (t) => {
  const api = await twoTenants(t);
  api.uid = 1000;
  const detail = async (shelf: string): Promise<string> =>
    JSON.stringify((await api.ask('POST', '/v1/red/books', { metadata: { name: 'b' }, spec: { shelf } })).json()).replaceAll(
      shelf,
      'SHELF',
    );
  t.is(await detail('blue/blue-shelf'), await detail('blue/ghost'));
});

test('a cascade takes nothing from a project in which the caller has no right', async (t) => {
  const api = await twoTenants(t);
  await api.ask('PUT', '/v1/red/shelves/red-shelf', { metadata: { shared: true }, spec: {} });
  await api.ask('POST', '/v1/blue/books', { metadata: { name: 'b' }, spec: { shelf: 'red/red-shelf' } });
  api.uid = 1000;
  const plain = await api.ask('DELETE', '/v1/red/shelves/red-shelf');
  t.is(plain.statusCode, 409);
  t.notRegex(plain.body, /blue/);
  const cascade = await api.ask('DELETE', '/v1/red/shelves/red-shelf?cascade=true');
  t.is(cascade.statusCode, 409);
  t.notRegex(cascade.body, /blue/);
  api.uid = 0;
  t.deepEqual(names(await api.ask('GET', '/v1/blue/books')), ['b']);
});

test('a viewer reads and changes nothing; a role that is taken away is gone at once', async (t) => {
  const api = await twoTenants(t);
  api.uid = 1001;
  t.is((await api.ask('GET', '/v1/red/shelves/red-shelf')).statusCode, 200);
  t.is((await api.ask('DELETE', '/v1/red/shelves/red-shelf')).statusCode, 403);
  t.is((await api.ask('POST', '/v1/red/operations/library.follow', {})).statusCode, 403);
  api.uid = 0;
  await api.ask('DELETE', '/v1/roles/red-viewers');
  api.uid = 1001;
  t.is((await api.ask('GET', '/v1/red/shelves/red-shelf')).statusCode, 403);
});

test('nobody learns the names of projects that are not theirs', async (t) => {
  const api = await twoTenants(t);
  api.uid = 1000;
  for (const url of ['/v1/-/shelves/x', '/v1/red/shelves/ghost', '/v1/projects/blue', '/v1/nowhere/shelves'])
    t.notRegex((await api.ask('GET', url)).body, /blue.*does not exist|projects: .*blue/, url);
});

test('deleting a project takes no role away, and says which are in the way', async (t) => {
  const api = await twoTenants(t);
  const refused = await api.ask('DELETE', '/v1/projects/red?cascade=true');
  t.is(refused.statusCode, 409);
  t.regex(refused.body, /Role\/red-operators/);
});

test('only an administrator of the system puts a change on trial', async (t) => {
  const api = await twoTenants(t);
  api.uid = 1000;
  const body = { objects: [{ kind: 'Shelf', metadata: { name: 'x', project: 'red' } }] };
  t.is((await api.ask('POST', '/v1/apply?confirm=60', body)).statusCode, 403);
  t.is((await api.ask('POST', '/v1/apply', body)).statusCode, 200);
});

test('a watch ends with its token', async (t) => {
  const api = await twoTenants(t);
  await api.ask('POST', '/v1/tokens', { metadata: { name: 'ci' }, spec: {} });
  const { token } = (await api.ask('POST', '/v1/tokens/ci/issue')).json<{ token: string }>();
  const { revision } = (await api.ask('GET', '/v1/red/shelves')).json<{ revision: number }>();
  const said = api.watch(`/v1/watch?since=${revision}`, /event: error|late/, { authorization: `Bearer ${token}` });
  await new Promise((resolve) => setTimeout(resolve, 100));
  await api.ask('DELETE', '/v1/tokens/ci');
  await api.ask('POST', '/v1/red/shelves', { metadata: { name: 'late' } });
  const events = await said;
  t.regex(events, /event: error/);
  t.notRegex(events, /late/);
});

test('a token whose end cannot be read is worth nothing', async (t) => {
  const api = await twoTenants(t);
  for (const expires of ['2020-01-01T00:00:00+01', '2016-12-31T23:59:60Z']) {
    const name = `t${expires.slice(0, 4)}`;
    const made = await api.ask('POST', '/v1/tokens', { metadata: { name }, spec: { expires } });
    if (made.statusCode !== 201) continue;
    const { token } = (await api.ask('POST', `/v1/tokens/${name}/issue`)).json<{ token: string }>();
    t.is((await api.ask('GET', '/v1/kinds', undefined, { authorization: `Bearer ${token}` })).statusCode, 401);
  }
  t.pass();
});

test('a token works until it is issued anew, expires or is deleted; it is shown once', async (t) => {
  const api = await twoTenants(t);
  await api.ask('POST', '/v1/tokens', { metadata: { name: 'ci' }, spec: {} });
  const issue = async (): Promise<string> => {
    api.uid = 0;
    const { token } = (await api.ask('POST', '/v1/tokens/ci/issue')).json<{ token: string }>();
    api.uid = null;
    return token;
  };
  const read = async (token: string): Promise<number> =>
    (await api.ask('GET', '/v1/red/shelves', undefined, { authorization: `Bearer ${token}` })).statusCode;
  const first = await issue();
  t.is(await read(first), 200);
  t.is((await api.ask('GET', '/v1/blue/shelves', undefined, { authorization: `Bearer ${first}` })).statusCode, 403);
  const second = await issue();
  t.is(await read(first), 401);
  t.is(await read(second), 200);
  api.uid = 0;
  t.notRegex((await api.ask('GET', '/v1/tokens/ci')).body, new RegExp(second.slice(-20)));
  await api.ask('PUT', '/v1/tokens/ci', { spec: { expires: '2020-01-01T00:00:00Z' } });
  api.uid = null;
  t.is(await read(second), 401);
  api.uid = 0;
  await api.ask('PUT', '/v1/tokens/ci', { spec: {} });
  api.uid = null;
  t.is(await read(second), 200);
  api.uid = 0;
  await api.ask('DELETE', '/v1/tokens/ci');
  await api.ask('POST', '/v1/tokens', { metadata: { name: 'ci' }, spec: {} });
  api.uid = null;
  t.is(await read(second), 401, 'a new object of that name does not bring it back');
  for (const bad of ['', 'weft_ci_', `weft_ghost_${'A'.repeat(43)}`, 'x'.repeat(5_000)]) t.is(await read(bad), 401);
  t.is((await api.ask('GET', '/v1/red/shelves', undefined, { authorization: 'Basic cm9vdDo=' })).statusCode, 401);
  api.uid = 0;
  t.is(
    (await api.ask('GET', '/v1/red/shelves', undefined, { authorization: 'Bearer x' })).statusCode,
    401,
    'a bad token does not fall back',
  );
});

test('a watch shows only what its caller may see', async (t) => {
  const api = await twoTenants(t);
  const bad = await api.ask('POST', '/v1/roles', {
    metadata: { name: 'x' },
    spec: { role: 'king', subjects: ['alice'], projects: ['ghost'] },
  });
  t.is(bad.statusCode, 422);
  const { revision } = (await api.ask('GET', '/v1/red/shelves')).json<{ revision: number }>();
  for (const project of ['blue', 'red']) await api.ask('POST', `/v1/${project}/shelves`, { metadata: { name: `late-${project}` } });
  api.uid = 1001;
  const events = await api.watch(`/v1/watch?since=${revision}`, /late-red/);
  t.regex(events, /late-red/);
  t.notRegex(events, /late-blue/);
});

test('a viewer runs the operations that only show, in its project alone, and the plugin is told what the caller may see', async (t) => {
  const api = await twoTenants(t);
  api.uid = 1001;
  const answer = await api.ask('POST', '/v1/red/operations/library.count', {});
  t.is(answer.statusCode, 200);
  t.deepEqual(answer.json().asked.projects, ['red']);
  t.is((await api.ask('POST', '/v1/red/operations/library.follow', {})).statusCode, 403, 'this one does more');
  for (const project of ['blue', 'nowhere', '-']) {
    const refused = await api.ask('POST', `/v1/${project}/operations/library.count`, {});
    t.is(refused.statusCode, 403, project);
  }
  api.uid = 0;
  const all = await api.ask('POST', '/v1/-/operations/library.count', {});
  t.is(all.json().asked.projects, undefined, 'an administrator may see everything');
});

test('a refusal of a plugin names no object of a project that the caller may not see', async (t) => {
  const api = await twoTenants(t);
  api.world.admitter.answer = () => ({
    patches: [],
    refusals: [
      { object: 'Shelf/red/new', pointer: '/spec/width', message: 'belongs to Shelf/blue/blue-shelf', fix: 'ask Shelf/blue/blue-shelf' },
      { object: 'Shelf/blue/blue-shelf', pointer: '', message: 'as Shelf/red/red-shelf.', fix: '' },
    ],
  });
  const ask = (): Promise<LightMyRequestResponse> => api.ask('POST', '/v1/red/shelves', { metadata: { name: 'new' } });
  t.regex((await ask()).body, /blue-shelf/, 'an administrator is told');
  api.uid = 1000;
  const refused = await ask();
  t.is(refused.statusCode, 422);
  t.notRegex(refused.body, /blue/);
  t.like(refused.json(), {
    detail: 'Shelf/red/new /spec/width: belongs to a Shelf of another project (and 1 more)',
    errors: [
      { object: 'Shelf/red/new', fix: 'ask a Shelf of another project' },
      { object: 'a Shelf of another project', message: 'as Shelf/red/red-shelf.' },
    ],
  });
});

test('a stream that fails names no object of a project that the caller may not see', async (t) => {
  const api = await twoTenants(t);
  api.control.stream = async function* () {
    yield {};
    throw fail('UNAVAILABLE', 'waits for Shelf/blue/blue-shelf and Shelf/red/red-shelf');
  };
  const read = async (): Promise<string> => (await api.ask('POST', '/v1/red/operations/library.follow', {})).body;
  t.regex(await read(), /event: error\n.*blue-shelf/, 'an administrator is told');
  api.uid = 1000;
  const said = await read();
  t.regex(said, /waits for a Shelf of another project and Shelf\/red\/red-shelf/);
  t.notRegex(said, /blue/);
});

test('who follows a log is cut off when his role is taken away', async (t) => {
  const api = await twoTenants(t);
  await api.ask('POST', '/v1/roles', { metadata: { name: 'all' }, spec: { role: 'admin', everywhere: true, subjects: ['uid:1000'] } });
  const log = join(api.logDir, 'kernel.log');
  appendFileSync(log, '{"msg":"first"}\n');
  api.uid = 1000;
  const response = await api.app.inject({ method: 'GET', url: '/v1/plugins/kernel/logs?follow=true', payloadAsStream: true });
  const said = response.stream()[Symbol.asyncIterator]();
  t.regex(String((await said.next()).value), /first/);
  api.uid = 0;
  await api.ask('DELETE', '/v1/roles/all');
  api.uid = 1000;
  appendFileSync(log, '{"msg":"late"}\n');
  const more = await said.next().then(
    ({ value }) => String(value),
    () => 'cut off',
  );
  t.notRegex(more, /late/);
});

test('several roles of one subject are one, as wide as all of them', async (t) => {
  const api = await twoTenants(t);
  const roles = Array.from({ length: 50 }, (_, index) => ({
    kind: 'Role',
    metadata: { name: `r${index}` },
    spec: { role: index === 49 ? 'viewer' : 'operator', projects: [index % 2 === 0 ? 'red' : 'blue'], subjects: ['uid:1002'] },
  }));
  await api.ask('POST', '/v1/apply', { objects: roles });
  const { store, pipeline } = api.world;
  const { bindings } = new Identities(store, new Tokens(store, pipeline), []).identify({ uid: 1002 });
  t.deepEqual(bindings, [
    { role: 'operator', projects: new Set(['red', 'blue']) },
    { role: 'viewer', projects: new Set(['blue']) },
  ]);
  await api.ask('PUT', '/v1/roles/r1', { spec: { role: 'operator', everywhere: true, subjects: ['uid:1002'] } });
  const wider = new Identities(store, new Tokens(store, pipeline), []).identify({ uid: 1002 });
  t.deepEqual(wider.bindings[0], { role: 'operator', projects: null });
});
