import test from 'ava';
import { FakeApi, weft } from './test/fake-api.ts';

const line = {
  time: '2026-01-02T03:04:05.000Z',
  subject: 'token:ci',
  source: '192.0.2.1',
  method: 'PUT',
  route: '/v1/{project}/ports/{name}',
  parameters: { project: 'red', name: 'web1' },
  objects: ['Port/red/web1'],
  count: 3,
  status: 403,
  code: 'FORBIDDEN',
  revision: null,
};

test('the audit log is shown as a table, by time and subject', async (t) => {
  const done = { ...line, subject: null, count: 1, status: 200, code: '', revision: 9 };
  const api = await new FakeApi({ 'GET /v1/audit': () => ({ items: [line, done, { ...done, dryRun: true }] }) }).start();
  t.teardown(() => api.stop());
  const { out, code } = await weft(api.address, ['audit', '-n', '5', '--subject', 'token:ci', '--since', '2026-01-01T00:00:00Z']);
  t.is(code, 0);
  t.regex(out, /token:ci +192\.0\.2\.1 +PUT \/v1\/red\/ports\/web1 +Port\/red\/web1 and 2 more +403 FORBIDDEN/);
  t.regex(out, /unknown .* done +9/);
  t.regex(out, /unknown .* dry run +9/);
  t.is(api.requests.at(-1)?.path, '/v1/audit?limit=5&since=2026-01-01T00%3A00%3A00.000Z&subject=token%3Aci');
  const json = await weft(api.address, ['audit', '-o', 'json']);
  t.deepEqual(JSON.parse(json.out).items[0], line, 'as the API says it');
  await weft(api.address, ['audit', '--since', '2h']);
  const [, since = ''] = /since=([^&]+)/.exec(api.requests.at(-1)?.path ?? '') ?? [];
  t.true(Math.abs(Date.parse(decodeURIComponent(since)) - (Date.now() - 7_200_000)) < 60_000, since);
  t.is((await weft(api.address, ['audit', '--since', 'yesterday'])).code, 2);
});
