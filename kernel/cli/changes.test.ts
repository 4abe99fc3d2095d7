import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { FakeApi, port, problem, type Request, type Route, weft } from './test/fake-api.ts';

async function withApi(t: ExecutionContext, routes: Readonly<Record<string, Route>>): Promise<FakeApi> {
  const api = await new FakeApi(routes).start();
  t.teardown(() => api.stop());
  return api;
}

const key = { kind: 'Port', project: 'default', name: 'web1' };
const created = { revision: 8, results: [{ key, action: 'created', before: null, after: port('web1', 'Active') }] };

test('apply sends the YAML of a file as it is and prints what became of each object', async (t) => {
  const api = await withApi(t, { 'POST /v1/apply': () => created });
  const yaml = '# a port\nkind: Port\n';
  writeFileSync(join(api.folder, 'port.yaml'), yaml);
  const outcome = await weft(api.address, ['apply', '-f', join(api.folder, 'port.yaml'), '--project', 'red']);
  t.is(outcome.out, 'Port/default/web1 created\n');
  t.deepEqual(api.requests.at(-1), { method: 'POST', path: '/v1/apply?project=red', type: 'application/yaml', body: yaml });
});

test('apply --dry-run says so, apply -o json prints the answer', async (t) => {
  const api = await withApi(t, { 'POST /v1/apply': () => created });
  t.is((await weft(api.address, ['apply', '-f', '-', '--dry-run'], { stdin: 'kind: Port' })).out, 'Port/default/web1 created (dry run)\n');
  t.is(api.requests.at(-1)?.path, '/v1/apply?project=default&dryRun=true');
  const json = await weft(api.address, ['apply', '-f', '-', '-o', 'json'], { stdin: 'kind: Port' });
  t.deepEqual(JSON.parse(json.out), created);
});

test('apply sends a directory as one transaction, in the order of the names', async (t) => {
  const api = await withApi(t, { 'POST /v1/apply': () => ({ revision: 1, results: [] }) });
  const folder = join(api.folder, 'objects');
  mkdirSync(folder);
  writeFileSync(join(folder, 'b.yml'), '---\nkind: B');
  writeFileSync(join(folder, 'a.yaml'), 'kind: A');
  writeFileSync(join(folder, 'c.json'), '{"kind": "C"}\n');
  writeFileSync(join(folder, 'README.md'), 'not an object');
  await weft(api.address, ['apply', '-f', folder]);
  t.is(api.requests.length, 1);
  t.is(api.requests[0]?.body, 'kind: A\n---\nkind: B\n---\n{"kind": "C"}\n');
});

test('of a directory, the file that is not YAML is named', async (t) => {
  const refuse: Route = ({ body }: Request, response) =>
    body.includes('[')
      ? problem(response, 400, { code: 'MALFORMED', detail: 'a list is not closed at line 1', fix: 'close it' })
      : { revision: 1, results: [] };
  const api = await withApi(t, { 'POST /v1/apply': refuse });
  const folder = join(api.folder, 'objects');
  mkdirSync(folder);
  writeFileSync(join(folder, 'a.yaml'), 'kind: A');
  writeFileSync(join(folder, 'b.yaml'), 'kind: [');
  const outcome = await weft(api.address, ['apply', '-f', folder]);
  t.is(outcome.err, `error: a list is not closed at line 1 (${folder}/b.yaml): close it\n`);
  t.true(api.requests.slice(1).every(({ path }) => path.includes('dryRun=true')));
});

test('files beyond the limit are refused before anything is sent', async (t) => {
  const api = await withApi(t, {});
  const file = join(api.folder, 'large.yaml');
  writeFileSync(file, '');
  truncateSync(file, 100 << 20);
  const outcome = await weft(api.address, ['apply', '-f', file]);
  t.is(outcome.code, 1);
  t.is(outcome.err, `error: the input has 100 MiB, the limit is 32 MiB (${file}): apply it in smaller parts\n`);
  t.is(api.requests.length, 0);
});

test('diff prints what would change in the spec and exits 1, 0 without changes, 2 when it failed', async (t) => {
  const before = port('web1', 'Active');
  const after = { ...port('web1', 'Pending'), spec: { network: 'blue', addresses: ['10.1.0.11', '10.1.0.12'] } };
  const answers: unknown[] = [
    { revision: 1, results: [{ key, action: 'updated', before, after }] },
    { revision: 1, results: [{ key, action: 'unchanged', before, after: before }] },
  ];
  const api = await withApi(t, {
    'POST /v1/apply': (_request, response) => answers.shift() ?? problem(response, 503, { detail: 'not now', fix: 'wait' }),
  });
  const changed = await weft(api.address, ['diff', '-f', '-'], { stdin: 'x' });
  t.is(changed.code, 1);
  t.is(
    changed.out,
    `--- Port/default/web1 (now)
+++ Port/default/web1 (applied)
@@ -4,7 +4,7 @@
   name: web1
   project: default
 spec:
-  network: red
+  network: blue
   addresses:
     - 10.1.0.11
     - 10.1.0.12
`,
  );
  t.true(api.requests.every(({ path }) => path.includes('dryRun=true')));
  const same = await weft(api.address, ['diff', '-f', '-'], { stdin: 'x' });
  t.deepEqual([same.code, same.out], [0, '']);
  const failed = await weft(api.address, ['diff', '-f', '-'], { stdin: 'x' });
  t.deepEqual([failed.code, failed.err], [2, 'error: not now (stdin): wait\n']);
});

test('delete by name and by file are one transaction each', async (t) => {
  const api = await withApi(t, {
    'POST /v1/apply': () => ({ revision: 3, results: [{ key, action: 'deleted', before: null, after: null }] }),
  });
  t.is((await weft(api.address, ['delete', 'port', 'web1', '--cascade'])).out, 'Port/default/web1 deleted\n');
  t.deepEqual(JSON.parse(api.requests.at(-1)?.body ?? ''), { objects: [], delete: [key], cascade: true });
  const stdin = 'kind: Project\nmetadata: {name: red}\n---\nkind: Port\nmetadata: {name: db, project: red}\n---\n';
  await weft(api.address, ['delete', '-f', '-'], { stdin });
  t.deepEqual(JSON.parse(api.requests.at(-1)?.body ?? '').delete, [
    { kind: 'Project', name: 'red' },
    { kind: 'Port', project: 'red', name: 'db' },
  ]);
});

test('delete --ignore-missing leaves out what does not exist', async (t) => {
  const api = await withApi(t, {
    'POST /v1/apply': () => ({ revision: 3, results: [] }),
    'GET /v1/-/ports': () => ({ items: [port('web1', 'Active')] }),
  });
  const stdin = 'kind: Port\nmetadata: {name: web1}\n---\nkind: Port\nmetadata: {name: gone}\n';
  await weft(api.address, ['delete', '-f', '-', '--ignore-missing'], { stdin });
  t.deepEqual(JSON.parse(api.requests.at(-1)?.body ?? '').delete, [key]);
});

test('diff asks what apply --dry-run asks, and shows just what that would change', async (t) => {
  const before = port('web1', 'Active');
  const after = { ...before, spec: { network: 'blue' } };
  const unchanged = { key: { ...key, name: 'web2' }, action: 'unchanged', before, after: before };
  const results = [{ key, action: 'updated', before, after }, unchanged];
  const api = await withApi(t, { 'POST /v1/apply': () => ({ revision: 8, results }) });
  const stdin = 'kind: Port\nmetadata: {name: web1}\n';
  const dry = await weft(api.address, ['apply', '-f', '-', '--dry-run'], { stdin });
  const diff = await weft(api.address, ['diff', '-f', '-'], { stdin });
  const [asked, askedAgain] = api.requests.filter(({ method }) => method === 'POST');
  t.deepEqual(asked, askedAgain);
  t.is(dry.out, 'Port/default/web1 updated (dry run)\nPort/default/web2 unchanged (dry run)\n');
  t.regex(diff.out, /^--- Port\/default\/web1 \(now\)\n\+\+\+ Port\/default\/web1 \(applied\)/);
  t.notRegex(diff.out, /web2/);
});

test('a deleted object that stays for now is told of', async (t) => {
  const dying = (finalizers: string[]) => {
    const object = port('web1', 'Active') as { metadata: object };
    return { ...object, metadata: { ...object.metadata, deletedAt: '2026-01-02T03:04:05Z', finalizers } };
  };
  const result = { key, action: 'deleted', before: port('web1', 'Active') };
  const results = [
    { ...result, after: null },
    { ...result, after: dying([]) },
    { ...result, after: dying(['network']) },
  ];
  const api = await withApi(t, { 'POST /v1/apply': () => ({ revision: 8, results }) });
  const { out } = await weft(api.address, ['delete', 'port', 'web1']);
  t.deepEqual(out.split('\n'), [
    'Port/default/web1 deleted',
    'Port/default/web1 deleted (it goes with what refers to it)',
    'Port/default/web1 deleted (it goes once network has put away what it made)',
    '',
  ]);
});
