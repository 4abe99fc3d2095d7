import test from 'ava';
import { makeApi } from './test/api.ts';

const shelves = '/v1/default/shelves';
interface Item {
  readonly revision: number;
  readonly subject: string;
  readonly type: string;
  readonly key: { readonly name: string };
  readonly touched: readonly string[];
}

test('the history tells who changed what, newest first; changes of status only when asked', async (t) => {
  const { ask, world } = await makeApi(t);
  await ask('POST', shelves, { metadata: { name: 'a' }, spec: { width: 10 } });
  await ask('PUT', `${shelves}/a`, { metadata: { labels: { x: 'y' } }, spec: { width: 20 } });
  await world.pipeline.setStatus([{ key: { kind: 'Shelf', project: 'default', name: 'a' }, status: { full: true } }], {
    kind: 'plugin',
    name: 'library',
  });
  await ask('DELETE', `${shelves}/a`);
  const read = async (query: string): Promise<Item[]> => (await ask('GET', `/v1/history${query}`)).json<{ items: Item[] }>().items;
  t.deepEqual(
    (await read('?kind=shelf')).map(({ type, touched }) => [type, ...touched]),
    [['deleted'], ['updated', '/spec/width', '/metadata/labels'], ['created']],
  );
  const all = await read('?kind=Shelf&status=true');
  t.deepEqual(all[1]?.touched, ['/status/full']);
  t.is(all[1]?.subject, 'plugin:library');
  t.is((await read('?limit=1')).length, 1);
  t.is((await read(`?until=${all[2]?.revision}`))[0]?.revision, all[2]?.revision);
  t.deepEqual(await read('?name=ghost'), []);
  t.is((await ask('GET', '/v1/history?kind=shlef')).statusCode, 404);
});

test('a rollback goes back; without a revision or beyond the log it is refused', async (t) => {
  const { ask } = await makeApi(t);
  const { revision } = (await ask('POST', shelves, { metadata: { name: 'a' } })).json<{ metadata: { revision: number } }>().metadata;
  await ask('DELETE', `${shelves}/a`);
  t.is((await ask('POST', `/v1/rollback?revision=${revision}&dryRun=true`)).json().results[0].action, 'created');
  t.is((await ask('GET', `${shelves}/a`)).statusCode, 404);
  t.is((await ask('POST', `/v1/rollback?revision=${revision}`)).statusCode, 200);
  t.is((await ask('GET', `${shelves}/a`)).statusCode, 200);
  t.is((await ask('POST', '/v1/rollback')).statusCode, 400);
  t.is((await ask('POST', '/v1/rollback?revision=999999')).statusCode, 410);
});

test('a change on trial is listed, confirmed, taken back at once, or taken back in time', async (t) => {
  const { ask } = await makeApi(t);
  const apply = async (name: string, seconds: number): Promise<number> =>
    (await ask('POST', `/v1/apply?confirm=${seconds}`, { objects: [{ kind: 'Shelf', metadata: { name } }] })).json<{
      trial: { to: number };
    }>().trial.to;
  const kept = await apply('kept', 60);
  t.like((await ask('GET', '/v1/trials')).json(), { items: [{ to: kept, subject: 'user:uid-0' }] });
  t.is((await ask('POST', `/v1/trials/${kept}/confirm`)).statusCode, 200);
  t.is((await ask('POST', `/v1/trials/${kept}/confirm`)).statusCode, 404);
  t.is((await ask('POST', `/v1/trials/${await apply('tried', 60)}/revert`)).statusCode, 200);
  await apply('late', 0);
  for (let attempt = 0; (await ask('GET', '/v1/trials')).json<{ items: unknown[] }>().items.length > 0 && attempt < 300; attempt += 1)
    await new Promise((resolve) => setTimeout(resolve, 10));
  const names = (await ask('GET', shelves)).json<{ items: { metadata: { name: string } }[] }>().items.map(({ metadata }) => metadata.name);
  t.deepEqual(names, ['kept']);
  t.is((await ask('POST', '/v1/apply?confirm=99999999', { objects: [] })).statusCode, 400);
  t.is((await ask('POST', '/v1/trials/x/confirm')).statusCode, 400);
});
