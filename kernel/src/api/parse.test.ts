import test from 'ava';
import { maxBodyBytes } from './server.ts';
import { makeApi } from './test/api.ts';

const malformed: Record<string, { body: string; says: RegExp }> = {
  'a cycle': { body: 'kind: Shelf\nmetadata: &m\n  name: a\n  labels: *m\n', says: /line 4: the alias \*m contains itself/ },
  'a bomb of aliases': {
    body: `a: &a [x,x,x,x,x,x,x,x,x,x]\n${[...'bcdefgh'].map((name, index) => `${name}: &${name} [${Array(10).fill(`*${'abcdefg'[index]}`).join(',')}]`).join('\n')}`,
    says: /aliases are refused/,
  },
  'deep flow nesting': { body: '['.repeat(200) + ']'.repeat(200), says: /nested deeper than 64/ },
  'deep block nesting': {
    body: Array.from({ length: 100 }, (_, depth) => `${' '.repeat(depth)}a:\n`).join(''),
    says: /nested deeper than 64/,
  },
  'endless brackets': { body: '['.repeat(20_000), says: /nested deeper than 64/ },
  'a key given twice': { body: 'kind: Shelf\nkind: Book\n', says: /line 2: the field \\"kind\\" is given twice/ },
  'a syntax error': { body: 'kind: [Shelf\nmetadata: x', says: /line \d+: / },
  'a dangerous key': { body: '__proto__: {a: 1}', says: /__proto__/ },
  'an unknown alias': { body: 'a: *b', says: /aliases are refused/ },
};

for (const [name, { body, says }] of Object.entries(malformed)) {
  test(`YAML is refused naming the place: ${name}`, async (t) => {
    const { yaml, world } = await makeApi(t);
    const response = await yaml(body);
    t.is(response.statusCode, 400);
    t.regex(response.body, says);
    t.is(world.store.revision, 1);
  });
}

test('numbers that are none do not pass for numbers', async (t) => {
  const { yaml } = await makeApi(t);
  const response = await yaml('kind: Shelf\nmetadata: {name: a}\nspec: {width: .inf}');
  t.is(response.statusCode, 422);
  t.regex(response.body, /\/spec\/width/);
});

test('a body of 100 MB is refused by its announced length, without being read', async (t) => {
  const { app } = await makeApi(t);
  const response = await app.inject({
    method: 'POST',
    url: '/v1/apply',
    headers: { 'content-type': 'application/yaml', 'content-length': String(100 * 1024 * 1024) },
    payload: 'kind: Shelf',
  });
  t.is(response.statusCode, 413);
  t.like(response.json(), { code: 'TOO_LARGE', detail: `the body is larger than ${maxBodyBytes / 1024 / 1024} MiB` });
});

test('a large body is read in a thread and means the same', async (t) => {
  const { ask, yaml, world } = await makeApi(t);
  const documents = (from: number, count: number): { kind: string; metadata: { name: string; labels: object } }[] =>
    Array.from({ length: count }, (_, index) => ({
      kind: 'Shelf',
      metadata: { name: `s${from + index}`, labels: { text: 'x'.repeat(200) } },
    }));
  const objects = documents(0, 1500);
  t.true(JSON.stringify({ objects }).length > 256 * 1024);
  const json = await ask('POST', '/v1/apply', { objects });
  t.is(json.statusCode, 200);
  t.is(json.json().results[0].after.spec.width, 80, 'defaults are filled there, too');
  const text = documents(1500, 200)
    .map((document) => JSON.stringify(document))
    .join('\n---\n');
  t.true(text.length > 32 * 1024);
  t.is((await yaml(text)).statusCode, 200);
  t.is(world.store.counts.Shelf, 1700);
  const bad = await ask('POST', '/v1/apply', { objects: [...objects, { kind: 'Shelf', metadata: { name: 'bad' }, spec: { widht: 1 } }] });
  t.is(bad.statusCode, 422);
  t.is(bad.json().errors[0].pointer, '/spec/widht');
});

test('more than 20,000 objects are refused', async (t) => {
  const { ask } = await makeApi(t);
  const response = await ask('POST', '/v1/apply', { objects: Array.from({ length: 20_001 }, () => 0) });
  t.is(response.statusCode, 413);
  t.regex(response.json().detail, /at most 20000/);
});
