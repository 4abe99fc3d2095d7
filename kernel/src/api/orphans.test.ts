import test from 'ava';
import type { AuditLine } from './audit.ts';
import { makeApi } from './test/api.ts';

const orphan = { kind: 'Widget', plural: 'widgets', scope: 'project', references: [], plugin: 'gadgets' } as const;

test('paths of a kind that nobody serves tell why; what is there may be deleted', async (t) => {
  const api = await makeApi(t, {
    prepare: ({ registry }) => {
      registry.orphans = [orphan];
    },
  });
  const metadata = { name: 'w', project: 'default', uid: 'u', revision: 0, generation: 1, createdAt: '2026-01-01T00:00:00Z' };
  const widget = { apiVersion: 'weft/v1', kind: 'Widget', metadata, spec: {}, status: {} } as const;
  await api.world.store.commit([{ op: 'put', object: widget }], 'test');
  for (const [method, url] of [
    ['GET', '/v1/default/widgets'],
    ['GET', '/v1/default/widgets/w'],
    ['PUT', '/v1/default/widgets/w'],
    ['GET', '/v1/watch?kinds=Widget'],
  ] as const) {
    const reply = await api.ask(method, url);
    t.is(reply.statusCode, 503, `${method} ${url}`);
    t.regex(reply.json().detail, /Widget are not served: the plugin gadgets is not installed/);
  }
  t.is((await api.ask('DELETE', '/v1/default/widgets/w', undefined, { 'if-match': '"7777"' })).statusCode, 412);
  t.is((await api.ask('DELETE', '/v1/default/widgets/w?dryRun=true')).statusCode, 200);
  t.is((await api.ask('DELETE', '/v1/default/widgets/w')).statusCode, 200);
  const { items } = (await api.ask('GET', '/v1/audit?limit=3')).json();
  t.deepEqual(
    items.map(({ dryRun, revision, status }: AuditLine) => [dryRun, revision === null, status]),
    [
      [false, false, 200],
      [true, false, 200],
      [false, true, 412],
    ],
  );
  t.is(api.world.store.counts.Widget, undefined);
  t.is((await api.ask('DELETE', '/v1/default/widgets/w')).statusCode, 404);
});

test('a large body is told the same of such a kind as a small one', async (t) => {
  const api = await makeApi(t, {
    prepare: ({ registry }) => {
      registry.orphans = [orphan];
    },
  });
  for (const length of [10, 300 * 1024]) {
    const shelf = { kind: 'Shelf', metadata: { name: 'a' }, status: { text: 'x'.repeat(length) } };
    const reply = await api.ask('POST', '/v1/apply', { objects: [shelf], delete: [{ kind: 'Widget', name: 'w' }] });
    t.is(reply.statusCode, 503, `${length} bytes`);
  }
});
