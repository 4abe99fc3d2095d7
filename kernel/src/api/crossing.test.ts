/** Every route × every verb × every kind of caller: who may not is told so in the same words, whether what he asks for exists or not. */
import test, { type ExecutionContext } from 'ava';
import type { LightMyRequestResponse, RouteOptions } from 'fastify';
import { makeApi, type TestApi } from './test/api.ts';

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

interface Route {
  readonly method: Method;
  /** With parameters as `:name`. */
  readonly url: string;
}

/** Roles by user id; 999 has none. */
const nobody = 999;
const viewerOfRed = 1001;
const operatorOfRed = 1002;
const adminOfRed = 1003;
const viewerOfAll = 1004;
const operatorOfAll = 1005;
const tenants: Readonly<Record<string, number>> = { viewer: viewerOfRed, operator: operatorOfRed, admin: adminOfRed };

async function site(t: ExecutionContext): Promise<{ api: TestApi; routes: readonly Route[]; bearer: string }> {
  const routes: Route[] = [];
  const api = await makeApi(t, {
    onRoute: ({ method, url }: RouteOptions) => {
      for (const one of [method].flat()) if (one !== 'HEAD' && one !== 'OPTIONS') routes.push({ method: one as Method, url });
    },
  });
  for (const project of ['red', 'blue']) {
    await api.ask('POST', '/v1/projects', { metadata: { name: project } });
    await api.ask('POST', `/v1/${project}/shelves`, { metadata: { name: 'thing' } });
    await api.ask('POST', `/v1/${project}/books`, { metadata: { name: 'thing' }, spec: { shelf: 'thing' } });
    await api.ask('POST', `/v1/${project}/labels`, { metadata: { name: 'thing' }, spec: { book: 'thing' } });
    await api.ask('POST', `/v1/${project}/secrets`, { metadata: { name: 'thing' }, spec: { data: { word: 'hunter2' } } });
  }
  await api.ask('POST', '/v1/tokens', { metadata: { name: 'thing' }, spec: {} });
  const { token } = (await api.ask('POST', '/v1/tokens/thing/issue')).json<{ token: string }>();
  const role = (name: string, spec: object): Promise<LightMyRequestResponse> => api.ask('POST', '/v1/roles', { metadata: { name }, spec });
  for (const [name, uid] of Object.entries(tenants)) await role(name, { role: name, projects: ['red'], subjects: [`uid:${uid}`] });
  await role('viewers', { role: 'viewer', everywhere: true, subjects: [`uid:${viewerOfAll}`] });
  await role('operators', { role: 'operator', everywhere: true, subjects: [`uid:${operatorOfAll}`] });
  await role('thing', { role: 'viewer', projects: ['red'], subjects: ['token:thing'] });
  return { api, routes, bearer: token };
}

function isOfProject({ url }: Route): boolean {
  return url.includes('/:project/');
}

function isOfObject({ url }: Route): boolean {
  return url.endsWith('/:name') && url !== '/v1/plugins/:name';
}

function isRead({ method }: Route): boolean {
  return method === 'GET';
}

/** The path with these in the places of its parameters. */
function at({ url }: Route, project: string, name: string): string {
  return url
    .replace(':project', project)
    .replace(':name', name)
    .replace(':number', '7')
    .replace(':operation', name === 'thing' ? 'library.follow' : 'library.ghost');
}

function send(api: TestApi, route: Route, project: string, name: string, headers?: Record<string, string>) {
  const body = isRead(route) || route.method === 'DELETE' ? undefined : { metadata: { name }, spec: {} };
  return api.ask(route.method, at(route, project, name), body, headers);
}

/** What the caller sees of an answer, but for the names that he gave himself. */
function seen({ statusCode, body, headers }: LightMyRequestResponse, ...given: readonly string[]): string {
  const { 'x-request-id': _request, date: _date, 'content-length': _length, ...rest } = headers;
  const text = JSON.stringify({ statusCode, body, rest });
  return given.reduce((all, name) => all.replaceAll(name, '…'), text);
}

test('whoever is unknown gets 401 everywhere, in one and the same answer', async (t) => {
  const { api, routes, bearer } = await site(t);
  t.true(routes.length > 50, `${routes.length} routes`);
  await api.ask('POST', '/v1/tokens', { metadata: { name: 'old' }, spec: {} });
  const { token: old } = (await api.ask('POST', '/v1/tokens/old/issue')).json<{ token: string }>();
  await api.ask('DELETE', '/v1/tokens/old');
  const foreign = `weft_thing_${'A'.repeat(43)}`;
  const swapped = `${old.slice(0, 8)}_${bearer.split('_').at(-1)}`;
  const bad = ['', 'x', `weft_ghost_${'A'.repeat(43)}`, foreign, old, swapped];
  for (const route of routes) {
    const answers = new Set<string>();
    for (const token of bad) {
      for (const [project, name] of [
        ['red', 'thing'],
        ['nowhere', 'ghost'],
      ] as const) {
        const answer = await send(api, route, project, name, { authorization: token === '' ? 'Bearer' : `Bearer ${token}` });
        t.is(answer.statusCode, 401, `${route.method} ${route.url} ${token}`);
        if (token !== '') answers.add(seen(answer));
      }
    }
    t.is(answers.size, 1, `${route.method} ${route.url}: ${[...answers]}`);
    api.uid = null;
    t.is((await send(api, route, 'red', 'thing')).statusCode, 401, `${route.method} ${route.url} without anything`);
    api.uid = 0;
  }
});

test('without a role nothing is to be had but 403, the same whether it exists or not', async (t) => {
  const { api, routes } = await site(t);
  api.uid = nobody;
  for (const route of routes) {
    const there = await send(api, route, 'red', 'thing');
    const missing = await send(api, route, 'red', 'ghost');
    const nowhere = await send(api, route, 'nowhere', 'ghost');
    const where = `${route.method} ${route.url}`;
    t.is(there.statusCode, 403, where);
    t.is(seen(there, 'red', 'thing'), seen(missing, 'red', 'ghost'), where);
    t.is(seen(there, 'red', 'thing'), seen(nowhere, 'nowhere', 'ghost'), where);
  }
});

test('a tenant is told the same of another project whether that and its objects exist or not, on every route', async (t) => {
  const { api, routes } = await site(t);
  for (const uid of Object.values(tenants)) {
    api.uid = uid;
    for (const route of routes.filter(isOfProject)) {
      const where = `user ${uid}: ${route.method} ${route.url}`;
      const there = await send(api, route, 'blue', 'thing');
      t.is(there.statusCode, 403, where);
      for (const [project, name] of [
        ['blue', 'ghost'],
        ['nowhere', 'thing'],
        ['nowhere', 'ghost'],
      ] as const)
        t.is(seen(there, 'blue', 'thing'), seen(await send(api, route, project, name), project, name), where);
    }
  }
});

test('a tenant touches nothing of the system, and learns of no object of it', async (t) => {
  const { api, routes } = await site(t);
  const open = [
    '/v1/kinds',
    '/v1/settings',
    '/v1/operations',
    '/openapi.json',
    '/docs',
    '/healthz',
    '/readyz',
    '/v1/watch',
    '/v1/projects',
    '/v1/apply',
  ];
  for (const uid of Object.values(tenants)) {
    api.uid = uid;
    for (const route of routes.filter((one) => !isOfProject(one) && !(open.includes(one.url) && isRead(one)) && one.url !== '/v1/apply')) {
      const where = `user ${uid}: ${route.method} ${route.url}`;
      const there = await send(api, route, '', 'thing');
      t.is(there.statusCode, 403, where);
      if (isOfObject(route)) t.is(seen(there, 'thing'), seen(await send(api, route, '', 'ghost'), 'ghost'), where);
    }
  }
});

test('a viewer changes nothing on any route; those of the system read all but what is closed', async (t) => {
  const { api, routes } = await site(t);
  const before = api.world.store.revision;
  for (const uid of [viewerOfRed, viewerOfAll]) {
    api.uid = uid;
    for (const route of routes.filter((one) => !isRead(one) && !one.url.includes(':operation') && one.url !== '/v1/apply'))
      t.is((await send(api, route, 'red', 'thing')).statusCode, 403, `user ${uid}: ${route.method} ${route.url}`);
    const apply = { objects: [{ kind: 'Shelf', metadata: { name: 'x', project: 'red' } }] };
    t.is((await api.ask('POST', '/v1/apply', apply)).statusCode, 403);
  }
  t.is(api.world.store.revision, before);
  const closed = [
    '/v1/history',
    '/v1/trials',
    '/v1/audit',
    '/v1/backup',
    '/v1/plugins/:name/logs',
    '/v1/:project/secrets',
    '/v1/:project/secrets/:name',
  ];
  api.uid = viewerOfAll;
  for (const route of routes.filter((one) => isRead(one) && one.url !== '/v1/watch')) {
    const { statusCode } = await send(api, route, 'red', route.url === '/v1/plugins/:name' ? 'library' : 'thing');
    if (closed.includes(route.url)) t.is(statusCode, 403, route.url);
    else t.true(statusCode === 200 || statusCode === 404, `${route.url} ${statusCode}`);
  }
});

test('documents that apply cross no border, neither with objects nor with references nor with deletes', async (t) => {
  const { api } = await site(t);
  for (const uid of [operatorOfRed, adminOfRed]) {
    api.uid = uid;
    const refused = async (body: object, ...given: string[]): Promise<string> => {
      const answer = await api.ask('POST', '/v1/apply', body);
      t.true(answer.statusCode === 403 || answer.statusCode === 422, answer.body);
      return seen(answer, ...given);
    };
    const own = { kind: 'Shelf', metadata: { name: 'mine', project: 'red' } };
    const foreign = (project: string, name: string): object => ({ objects: [own, { kind: 'Shelf', metadata: { name, project } }] });
    const removal = (project: string, name: string): object => ({ objects: [own], delete: [{ kind: 'Shelf', project, name }] });
    const reference = (shelf: string): object => {
      return { objects: [{ kind: 'Book', metadata: { name: 'b', project: 'red' }, spec: { shelf } }] };
    };
    t.is(await refused(foreign('blue', 'thing'), 'blue', 'thing'), await refused(foreign('nowhere', 'ghost'), 'nowhere', 'ghost'));
    t.is(await refused(removal('blue', 'thing'), 'blue', 'thing'), await refused(removal('nowhere', 'ghost'), 'nowhere', 'ghost'));
    t.is(await refused(reference('blue/thing'), 'blue', 'thing'), await refused(reference('nowhere/ghost'), 'nowhere', 'ghost'));
    await refused({
      objects: [{ kind: 'Role', metadata: { name: 'r' }, spec: { role: 'admin', everywhere: true, subjects: [`uid:${uid}`] } }],
    });
    t.is((await api.ask('GET', '/v1/red/shelves/mine')).statusCode, 404, 'nothing of a refused document is done');
  }
});

test('a watch shows a tenant nothing of others, and stops showing what it may no longer see while it runs', async (t) => {
  const { api } = await site(t);
  const since = api.world.store.revision;
  api.uid = viewerOfRed;
  const said = api.watch(`/v1/watch?since=${since}`, /"last"/);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const change = async (project: string, name: string): Promise<void> => {
    api.uid = 0;
    await api.ask('POST', `/v1/${project}/shelves`, { metadata: { name } });
    api.uid = viewerOfRed;
    // until the stream has it: rights are asked about when it is sent
    await new Promise((resolve) => setTimeout(resolve, 50));
  };
  const withRole = async (spec: object): Promise<void> => {
    api.uid = 0;
    await api.ask('PUT', '/v1/roles/viewer', { spec: { role: 'viewer', subjects: [`uid:${viewerOfRed}`], ...spec } });
  };
  await change('blue', 'foreign');
  await change('red', 'own');
  await withRole({ projects: ['blue'] });
  await change('red', 'lost');
  await withRole({ projects: ['red'] });
  await change('red', 'last');
  const events = await said;
  t.regex(events, /"own"/);
  t.notRegex(events, /"foreign"|"lost"|hunter2/);
});
