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
