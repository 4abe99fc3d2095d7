import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { FakeApi, port, problem, type Route, weft } from './test/fake-api.ts';

const path = 'GET /v1/default/ports/web1';

async function withApi(t: ExecutionContext, routes: Readonly<Record<string, Route>>): Promise<FakeApi> {
  const api = await new FakeApi(routes).start();
  t.teardown(() => api.stop());
  return api;
}

test('edit writes back what the editor changed, with the revision that was read', async (t) => {
  const key = { kind: 'Port', project: 'default', name: 'web1' };
  const api = await withApi(t, {
    [path]: () => port('web1', 'Active'),
    'POST /v1/apply': () => ({ revision: 8, results: [{ key, action: 'updated', before: null, after: null }] }),
  });
  const { out, code } = await weft(api.address, ['edit', 'port', 'web1'], { env: { EDITOR: 'sed -i s/red/blue/' } });
  t.is(code, 0);
  t.is(out, 'Port/default/web1 updated\n');
  const body = api.requests.at(-1)?.body ?? '';
  t.regex(body, /network: blue/);
  t.regex(body, /revision: 7/);
  t.notRegex(body, /status/);
});

test('edit changes nothing when the text is the same, or the editor fails', async (t) => {
  const api = await withApi(t, { [path]: () => port('web1', 'Active') });
  t.is((await weft(api.address, ['edit', 'port', 'web1'], { env: { VISUAL: 'true' } })).out, 'Port web1 unchanged\n');
  const failed = await weft(api.address, ['edit', 'port', 'web1'], { env: { EDITOR: 'false' } });
  t.is(failed.code, 1);
  t.regex(failed.err, /^error: the editor ended with 1/);
  t.false(api.requests.some(({ method }) => method === 'POST'));
});

test('what the API refuses stays in a file', async (t) => {
  const api = await withApi(t, {
    [path]: () => port('web1', 'Active'),
    'POST /v1/apply': (_request, response) => problem(response, 422, { code: 'INVALID', detail: 'no', fix: 'yes' }),
  });
  const { err, code } = await weft(api.address, ['edit', 'port', 'web1'], { env: { EDITOR: 'sed -i s/red/blue/' } });
  t.is(code, 1);
  const [, file = ''] = /your text is kept: weft apply -f (\S+)/.exec(err) ?? [];
  t.regex(readFileSync(file, 'utf8'), /blue/);
  rmSync(dirname(file), { recursive: true });
  t.false(existsSync(file));
});

const completed: readonly [words: string[], all: string[]][] = [
  [['des'], ['describe']],
  [['plugin', 'r'], ['restart']],
  [['get', 'po'], ['ports']],
  [['get', 'port', 'w'], ['web1']],
  [['--project', 'default', 'wait', 'port', ''], ['web1']],
  [['wait', 'port', 'web1', '--f'], ['--for']],
  [['plugin', 'logs', 'd'], ['dhcp']],
  [['apply', '-f', ''], []],
  [['nonsense', ''], []],
];
for (const [words, all] of completed) {
  test(`completes: weft ${words.join(' ')}`, async (t) => {
    const api = await withApi(t, {
      'GET /v1/default/ports': () => ({ items: [port('web1', 'Active')] }),
      'GET /v1/plugins': () => [{ name: 'dhcp' }],
    });
    const { out, err } = await weft(api.address, ['complete', '--', ...words]);
    t.is(err, '');
    t.deepEqual(
      out.split('\n').filter((line) => line !== ''),
      all,
    );
  });
}

test('completion prints a script for each shell, and knows no other', async (t) => {
  for (const shell of ['bash', 'zsh', 'fish']) t.regex((await weft('unix:/nowhere', ['completion', shell])).out, /weft complete -- /);
  const { code, err } = await weft('unix:/nowhere', ['completion', 'csh']);
  t.is(code, 2);
  t.regex(err, /unknown shell "csh"/);
});
