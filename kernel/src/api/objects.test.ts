import test from 'ava';
import type { LightMyRequestResponse } from 'fastify';
import { makeApi } from './test/api.ts';

const shelves = '/v1/default/shelves';

function code(response: LightMyRequestResponse): [number, string] {
  return [response.statusCode, response.json<{ code: string }>().code];
}

test('an object is created, read, listed, replaced, patched and deleted', async (t) => {
  const { ask } = await makeApi(t);
  const created = await ask('POST', shelves, { metadata: { name: 'a' }, spec: { width: 10 } });
  t.is(created.statusCode, 201);
  t.is(created.headers.location, '/v1/default/shelves/a');
  const { metadata } = created.json<{ metadata: { revision: number; project: string } }>();
  t.is(metadata.project, 'default');
  t.is(created.headers.etag, `"${metadata.revision}"`);
  const list = (await ask('GET', shelves)).json<{ kind: string; revision: number; items: unknown[] }>();
  t.like(list, { kind: 'Shelf', revision: metadata.revision });
  t.is(list.items.length, 1);
  t.is((await ask('PUT', `${shelves}/a`, { spec: { width: 20 } })).json().spec.width, 20);
  t.is((await ask('PUT', `${shelves}/new`, { spec: {} })).statusCode, 201);
  const patched = await ask(
    'PATCH',
    `${shelves}/a`,
    { spec: { width: null }, metadata: { labels: { x: 'y' } } },
    { 'content-type': 'application/merge-patch+json' },
  );
  t.like(patched.json(), { spec: { width: 80 }, metadata: { labels: { x: 'y' }, generation: 3 } });
  const removed = await ask('DELETE', `${shelves}/a`);
  t.is(removed.statusCode, 200);
  t.is(removed.json().results[0].action, 'deleted');
  t.deepEqual(code(await ask('GET', `${shelves}/a`)), [404, 'NOT_FOUND']);
});

test('system kinds have paths without a project; "-" lists all projects', async (t) => {
  const { ask } = await makeApi(t);
  t.is((await ask('POST', '/v1/projects', { metadata: { name: 'other' } })).statusCode, 201);
  t.regex((await ask('GET', '/v1/projects/other')).json().status.uuid, /-/);
  for (const project of ['default', 'other']) await ask('POST', `/v1/${project}/shelves`, { metadata: { name: 's' } });
  t.is((await ask('GET', '/v1/other/shelves')).json().items.length, 1);
  t.is((await ask('GET', '/v1/-/shelves')).json().items.length, 2);
});

test('If-Match guards put, patch and delete', async (t) => {
  const { ask } = await makeApi(t);
  const { etag } = (await ask('POST', shelves, { metadata: { name: 'a' } })).headers;
  const stale = { 'if-match': '"1"' };
  t.deepEqual(code(await ask('PUT', `${shelves}/a`, { spec: { width: 2 } }, stale)), [412, 'REVISION_MISMATCH']);
  t.deepEqual(code(await ask('PATCH', `${shelves}/a`, { spec: { width: 2 } }, stale)), [412, 'REVISION_MISMATCH']);
  t.deepEqual(code(await ask('DELETE', `${shelves}/a`, undefined, stale)), [412, 'REVISION_MISMATCH']);
  t.deepEqual(code(await ask('DELETE', `${shelves}/a`, undefined, { 'if-match': 'x' })), [400, 'MALFORMED']);
  t.is((await ask('PUT', `${shelves}/a`, { spec: { width: 2 } }, { 'if-match': String(etag) })).statusCode, 200);
});

test('If-Match: * wants the object to be there, If-None-Match: * wants it not to be', async (t) => {
  const { ask } = await makeApi(t);
  const present = { 'if-match': '*' };
  const absent = { 'if-none-match': '*' };
  const single = `${shelves}/a`;
  for (const method of ['PUT', 'PATCH', 'DELETE'] as const)
    t.deepEqual(code(await ask(method, single, { spec: {} }, present)), [412, 'REVISION_MISMATCH'], method);
  t.is((await ask('PUT', single, { spec: { width: 1 } }, absent)).statusCode, 201);
  t.deepEqual(code(await ask('PUT', single, { spec: { width: 1 } }, absent)), [412, 'REVISION_MISMATCH'], 'also when nothing would change');
  t.is((await ask('PUT', single, { spec: { width: 2 } }, present)).statusCode, 200);
  const read = await ask('GET', single);
  t.is(read.headers.etag, `"${read.json().metadata.revision}"`);
  const answers = await Promise.all(['x', 'y'].map((label) => ask('PATCH', single, { metadata: { labels: { [label]: '1' } } }, present)));
  t.deepEqual(
    answers.map(({ statusCode }) => statusCode),
    [200, 200],
  );
  t.deepEqual((await ask('GET', single)).json().metadata.labels, { x: '1', y: '1' }, 'patches at the same time both count');
  t.is((await ask('DELETE', single, undefined, present)).statusCode, 200);
  const bad: Record<string, Record<string, string>> = {
    'a weak tag': { 'if-match': 'W/"3"' },
    'a list': { 'if-match': '"3", "4"' },
    'a tag for If-None-Match': { 'if-none-match': '"3"' },
    both: { ...present, ...absent },
  };
  for (const [what, headers] of Object.entries(bad)) t.deepEqual(code(await ask('PUT', single, {}, headers)), [400, 'MALFORMED'], what);
  t.regex((await ask('PUT', single, {}, { 'if-match': 'W/"3"' })).json().detail, /weak/);
  t.deepEqual(code(await ask('DELETE', single, undefined, absent)), [400, 'MALFORMED']);
});

test('patches at the same time all take effect', async (t) => {
  const { ask } = await makeApi(t);
  await ask('POST', shelves, { metadata: { name: 'a' } });
  const answers = await Promise.all(
    ['x', 'y', 'z'].map((label) => ask('PATCH', `${shelves}/a`, { metadata: { labels: { [label]: '1' } } })),
  );
  t.deepEqual(
    answers.map(({ statusCode }) => statusCode),
    [200, 200, 200],
  );
  t.deepEqual((await ask('GET', `${shelves}/a`)).json().metadata.labels, { x: '1', y: '1', z: '1' });
});

test('a delete of what is in use names it; cascade takes it along; a dry run only tells', async (t) => {
  const { ask, yaml } = await makeApi(t);
  await yaml('{kind: Shelf, metadata: {name: a}}\n---\n{kind: Book, metadata: {name: b}, spec: {shelf: a}}');
  t.deepEqual(code(await ask('DELETE', `${shelves}/a`)), [409, 'REFERENCED']);
  t.is((await ask('DELETE', `${shelves}/a?cascade=true&dryRun=true`)).json().results.length, 2);
  t.is((await ask('GET', `${shelves}/a`)).statusCode, 200);
  t.is((await ask('DELETE', `${shelves}/a?cascade=true`)).json().results.length, 2);
});

test('apply takes YAML and JSON, in one transaction, with deletes', async (t) => {
  const { ask, yaml } = await makeApi(t);
  const first = (await yaml('kind: Shelf\nmetadata: {name: a}\n---\n---\nkind: Book\nmetadata: {name: b}\nspec: {shelf: a}\n')).json();
  t.deepEqual(
    first.results.map(({ action }: { action: string }) => action),
    ['created', 'created'],
  );
  const body = {
    objects: [{ kind: 'Shelf', metadata: { name: 'z' } }],
    delete: [
      { kind: 'book', name: 'b' },
      { kind: 'Shelf', name: 'a' },
    ],
  };
  const dry = (await ask('POST', '/v1/apply?dryRun=true', body)).json();
  t.is(dry.revision, first.revision);
  const second = (await ask('POST', '/v1/apply', body)).json();
  t.deepEqual(
    second.results.map(({ key, action }: { key: { name: string }; action: string }) => `${key.name} ${action}`),
    ['z created', 'b deleted', 'a deleted'],
  );
  t.is((await yaml('{kind: Shelf, metadata: {name: q}}', '?project=default')).json().results[0].key.project, 'default');
});

const refused: Record<string, { ask: Parameters<Awaited<ReturnType<typeof makeApi>>['ask']>; is: [number, string]; says: RegExp }> = {
  'an unknown kind in the path': { ask: ['GET', '/v1/default/shelfs'], is: [404, 'NOT_FOUND'], says: /did you mean/ },
  'a path of the wrong scope': { ask: ['GET', '/v1/shelves'], is: [404, 'NOT_FOUND'], says: /\/v1\/\{project\}\/shelves/ },
  'no path at all': { ask: ['GET', '/nowhere'], is: [404, 'NOT_FOUND'], says: /openapi/ },
  'an unknown project': { ask: ['GET', '/v1/nowhere/shelves'], is: [404, 'NOT_FOUND'], says: /projects: default/ },
  'an unknown object': { ask: ['GET', `${shelves}/ghost`], is: [404, 'NOT_FOUND'], says: /Shelf\/default\/ghost/ },
  'an unknown query parameter': { ask: ['GET', `${shelves}?colour=red`], is: [400, 'MALFORMED'], says: /colour/ },
  'a flag that is none': { ask: ['DELETE', `${shelves}/a?cascade=perhaps`], is: [400, 'MALFORMED'], says: /true or false/ },
  'no JSON': { ask: ['POST', shelves, '{"a":\n!'], is: [400, 'MALFORMED'], says: /no JSON: Unexpected token/ },
  'a name that is no text, nor can be': {
    ask: [
      'POST',
      shelves,
      { kind: { toString: 1 }, apiVersion: { toString: 1 }, metadata: { name: { toString: 1 }, project: { toString: 1 } } },
    ],
    is: [422, 'INVALID'],
    says: /an object/,
  },
  'names that are no text, in an apply': {
    ask: ['POST', '/v1/apply', { objects: [{ kind: 'Shelf', apiVersion: { toString: 1 }, metadata: { name: { toString: 1 } } }] }],
    is: [422, 'INVALID'],
    says: /an object/,
  },
  'a reference that is longer than any name': {
    ask: ['POST', '/v1/default/books', { metadata: { name: 'b' }, spec: { shelf: 'x'.repeat(10_000) } }],
    is: [422, 'INVALID'],
    says: /does not exist/,
  },
  'no body': { ask: ['POST', shelves], is: [400, 'MALFORMED'], says: /must be an object/ },
  'another content type': {
    ask: ['POST', shelves, 'x', { 'content-type': 'text/plain' }],
    is: [400, 'MALFORMED'],
    says: /application\/json/,
  },
  'another kind than the path': {
    ask: ['POST', shelves, { kind: 'Book', metadata: { name: 'a' } }],
    is: [422, 'INVALID'],
    says: /what the path says/,
  },
  'another name than the path': {
    ask: ['PUT', `${shelves}/a`, { metadata: { name: 'b' } }],
    is: [422, 'INVALID'],
    says: /what the path says/,
  },
  'no name': { ask: ['POST', shelves, { spec: {} }], is: [422, 'INVALID'], says: /\/metadata\/name/ },
  'a name that is too long': {
    ask: ['PUT', `${shelves}/${'a'.repeat(100)}`, { spec: {} }],
    is: [422, 'INVALID'],
    says: /100 characters long/,
  },
  'an unknown field': {
    ask: ['POST', shelves, { metadata: { name: 'a' }, spec: { widht: 1 } }],
    is: [422, 'INVALID'],
    says: /did you mean \\"width\\"/,
  },
  'an unknown field of metadata': {
    ask: ['POST', shelves, { metadata: { name: 'a', lables: {} } }],
    is: [422, 'INVALID'],
    says: /did you mean \\"labels\\"/,
  },
  'another apiVersion': { ask: ['POST', shelves, { apiVersion: 'v2', metadata: { name: 'a' } }], is: [422, 'INVALID'], says: /weft\/v1/ },
  'labels that are no text': {
    ask: ['POST', shelves, { metadata: { name: 'a', labels: { x: 1 } } }],
    is: [422, 'INVALID'],
    says: /\/metadata\/labels\/x/,
  },
  'a project for a kind of the system': {
    ask: ['POST', '/v1/projects', { metadata: { name: 'a', project: 'b' } }],
    is: [422, 'INVALID'],
    says: /belongs to no project/,
  },
  'a dangling reference': {
    ask: ['POST', '/v1/default/books', { metadata: { name: 'a' }, spec: { shelf: 'ghost' } }],
    is: [422, 'INVALID'],
    says: /\/spec\/shelf/,
  },
  'a revision that is gone': { ask: ['GET', '/v1/watch?since=9999'], is: [410, 'REVISION_GONE'], says: /list the objects again/ },
  'a revision that is none': { ask: ['GET', '/v1/watch?since=yesterday'], is: [400, 'MALFORMED'], says: /whole number/ },
  'an unknown kind to watch': { ask: ['GET', '/v1/watch?kinds=shelfs'], is: [404, 'NOT_FOUND'], says: /Shelf/ },
  'an alarm written by a user': {
    ask: ['POST', '/v1/alarms', { metadata: { name: 'a' } }],
    is: [403, 'FORBIDDEN'],
    says: /written by the system/,
  },
  'an apply with an unknown field': {
    ask: ['POST', '/v1/apply', { objcts: [] }],
    is: [400, 'MALFORMED'],
    says: /objects, delete, cascade/,
  },
  'an apply that deletes nothing that exists': {
    ask: ['POST', '/v1/apply', { delete: [{ kind: 'Shelf', name: 'x' }] }],
    is: [404, 'NOT_FOUND'],
    says: /does not exist/,
  },
  'an object given twice': {
    ask: [
      'POST',
      '/v1/apply',
      {
        objects: [
          { kind: 'Shelf', metadata: { name: 'x' } },
          { kind: 'Shelf', metadata: { name: 'x' } },
        ],
      },
    ],
    is: [422, 'INVALID'],
    says: /is given twice/,
  },
};

for (const [name, { ask: request, is, says }] of Object.entries(refused)) {
  test(`refused with field and fix, and nothing changed: ${name}`, async (t) => {
    const { ask, world } = await makeApi(t);
    const { revision } = world.store;
    const response = await ask(...request);
    t.deepEqual(code(response), is);
    t.is(response.headers['content-type'], 'application/problem+json; charset=utf-8');
    t.regex(response.body, says);
    t.notRegex(response.body, /\.ts:\d+|node_modules/, 'no stack');
    t.is(world.store.revision, revision);
  });
}

test('a creation of what exists is a conflict', async (t) => {
  const { ask } = await makeApi(t);
  await ask('POST', shelves, { metadata: { name: 'a' } });
  t.deepEqual(code(await ask('POST', shelves, { metadata: { name: 'a' } })), [409, 'CONFLICT']);
});

test('writes of a disabled plugin’s kinds are unavailable with the reason, reads go on', async (t) => {
  const { ask, world } = await makeApi(t);
  await ask('POST', shelves, { metadata: { name: 'a' } });
  world.admitter.down.set('library', 'it is disabled');
  const write = await ask('PUT', `${shelves}/a`, { spec: { width: 1 } });
  t.deepEqual(code(write), [503, 'UNAVAILABLE']);
  t.regex(write.json().detail, /library.*it is disabled/);
  t.is((await ask('GET', `${shelves}/a`)).statusCode, 200);
});

test('who is unknown gets 401, who may not gets 403, on every path', async (t) => {
  const api = await makeApi(t);
  for (const url of [shelves, '/v1/status', '/metrics', '/openapi.json', '/docs', '/healthz', '/v1/plugins', '/nowhere']) {
    api.uid = null;
    t.deepEqual(code(await api.ask('GET', url)), [401, 'UNAUTHENTICATED'], url);
    api.uid = 12345;
    t.deepEqual(code(await api.ask('GET', url)), [403, 'FORBIDDEN'], url);
    api.uid = 777;
    t.not((await api.ask('GET', url)).statusCode, 403, url);
  }
});

test('a condition that cannot be kept is refused, not passed over', async (t) => {
  const api = await makeApi(t);
  const body = { objects: [{ kind: 'Shelf', metadata: { name: 'a' } }] };
  const refused = await api.ask('POST', '/v1/apply', body, { 'if-match': '"1"' });
  t.is(refused.statusCode, 400);
  t.regex(refused.json().fix, /metadata\.revision/);
  t.is((await api.ask('POST', '/v1/rollback?revision=1', undefined, { 'if-match': '"1"' })).statusCode, 400);
  t.is((await api.ask('GET', '/v1/default/shelves/a')).statusCode, 404);
});

test('a body that is too large is told how large it may be there', async (t) => {
  const { ask } = await makeApi(t);
  const large = await ask('PUT', '/v1/default/shelves/a', ' '.repeat(1_100_000));
  t.is(large.statusCode, 413);
  t.regex(large.json().detail, /larger than 1 MiB/);
});

test('HEAD gets the headers of what has an end; a watch has none', async (t) => {
  const { ask } = await makeApi(t);
  t.is((await ask('HEAD', '/v1/default/shelves')).statusCode, 200);
  t.is((await ask('HEAD', '/v1/watch')).statusCode, 404);
});
