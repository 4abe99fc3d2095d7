import test, { type ExecutionContext } from 'ava';
import { FakeApi, type Route, weft } from './test/fake-api.ts';

async function withApi(t: ExecutionContext, routes: Readonly<Record<string, Route>>): Promise<FakeApi> {
  const api = await new FakeApi(routes).start();
  t.teardown(() => api.stop());
  return api;
}

const change = {
  revision: 9,
  time: '2026-01-02T03:04:05.000Z',
  subject: 'user:uid-0',
  type: 'updated',
  key: { kind: 'Port', project: 'default', name: 'web1' },
  touched: ['/spec/mac'],
};
const result = { key: change.key, action: 'updated', before: null, after: null };

test('history asks for what is named and prints a table', async (t) => {
  const api = await withApi(t, { 'GET /v1/history': () => ({ items: [change], next: null }) });
  const { out, code } = await weft(api.address, ['history', 'port', 'web1', '-n', '5', '--status']);
  t.is(code, 0);
  t.regex(out, /REVISION {2}TIME .*WHO .*\n9 .*user:uid-0 {2}updated {2}Port\/default\/web1 {2}\/spec\/mac\n$/);
  t.is(api.requests.at(-1)?.path, '/v1/history?limit=5&kind=Port&name=web1&project=default&status=true');
  await weft(api.address, ['history']);
  t.is(api.requests.at(-1)?.path, '/v1/history?limit=20');
  await weft(api.address, ['--project', 'red', 'history']);
  t.is(api.requests.at(-1)?.path, '/v1/history?limit=20&project=red');
});

test('rollback prints what changed; a revision that is no number is a usage error', async (t) => {
  const api = await withApi(t, { 'POST /v1/rollback': () => ({ revision: 12, results: [result] }) });
  const { out } = await weft(api.address, ['rollback', '9', '--dry-run']);
  t.regex(out, /Port\/default\/web1 updated.*dry run/);
  t.is(api.requests.at(-1)?.path, '/v1/rollback?revision=9&dryRun=true');
  t.is((await weft(api.address, ['rollback', 'yesterday'])).code, 2);
});

test('apply --confirm tells how to keep the change', async (t) => {
  const trial = { from: 9, to: 9, until: '2026-01-02T03:09:05.000Z', subject: 'user:uid-0' };
  const api = await withApi(t, { 'POST /v1/apply': () => ({ revision: 9, results: [result], trial }) });
  const { err } = await weft(api.address, ['apply', '-f', '-', '--confirm', '5m'], { stdin: 'kind: Port' });
  t.regex(err, /keep it with: weft confirm 9/);
  t.regex(api.requests.at(-1)?.path ?? '', /confirm=300/);
});

test('confirm takes the only change on trial, and asks when there are several or none', async (t) => {
  let items = [{ to: 9 }];
  const api = await withApi(t, {
    'GET /v1/trials': () => ({ items }),
    'POST /v1/trials/9/confirm': () => items[0],
    'POST /v1/trials/9/revert': () => items[0],
  });
  t.is((await weft(api.address, ['confirm'])).out, 'change 9 confirmed\n');
  t.is((await weft(api.address, ['confirm', '9', '--revert'])).out, 'change 9 reverted\n');
  items = [{ to: 9 }, { to: 12 }];
  t.regex((await weft(api.address, ['confirm'])).err, /2 changes are on trial \(confirm\): name one: 9, 12/);
  items = [];
  t.regex((await weft(api.address, ['confirm'])).err, /nothing is on trial/);
});

test('status names what is on trial, and is shown to who may not see that', async (t) => {
  const process = { state: 'running', pid: 1, restarts: 0, reason: '' };
  const kernel = { version: '1', pid: 2, uptimeSeconds: 3, revision: 9 };
  const report = { healthy: true, kernel, forwarder: process, plugins: [], counts: {}, alarms: [] };
  const trials = { items: [{ to: 9, until: '2026-01-02T03:09:05.000Z' }] };
  const api = await withApi(t, { 'GET /v1/status': () => report, 'GET /v1/trials': () => trials });
  t.regex(
    (await weft(api.address, ['status'])).out,
    /on trial: change 9, taken back at 2026-01-02T03:09:05.000Z unless you say: weft confirm 9/,
  );
  const other = await withApi(t, { 'GET /v1/status': () => report });
  const { out, code } = await weft(other.address, ['status']);
  t.notRegex(out, /on trial/);
  t.is(code, 0);
});

test('delete --dry-run deletes nothing and says what it would', async (t) => {
  const deleted = { ...result, action: 'deleted' };
  const api = await withApi(t, { 'POST /v1/apply': () => ({ revision: 9, results: [deleted] }) });
  const { out } = await weft(api.address, ['delete', 'port', 'web1', '--dry-run']);
  t.is(out, 'Port/default/web1 deleted (dry run)\n');
  t.regex(api.requests.at(-1)?.path ?? '', /dryRun=true/);
});
