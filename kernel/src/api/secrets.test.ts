import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { isSealed, ObjectStore, Sealer } from '../store/index.ts';
import { makeApi } from './test/api.ts';

const canary = 'canary-7f3a91';
const secrets = '/v1/default/secrets';
const key = { kind: 'Secret', project: 'default', name: 'nova' };

test('no answer of the API holds the value of a secret', async (t) => {
  const { ask, yaml, watch, world } = await makeApi(t);
  const revision = world.store.revision;
  const said = [
    await ask('POST', secrets, { metadata: { name: 'nova' }, spec: { data: { password: canary } } }),
    await ask('GET', `${secrets}/nova`),
    await ask('GET', secrets),
    await ask('GET', '/v1/-/secrets'),
    await ask('PATCH', `${secrets}/nova`, { metadata: { labels: { a: 'b' } } }),
    await ask('PUT', `${secrets}/nova`, { spec: { data: { password: `${canary}2` } } }),
    await yaml(`{kind: Secret, metadata: {name: other}, spec: {data: {password: ${canary}}}}`),
    await yaml(`{kind: Secret, metadata: {name: nova}, spec: {data: {password: ${canary}3}}}`, '?dryRun=true'),
    await ask('POST', secrets, { metadata: { name: 'bad' }, spec: { data: { password: [canary] } } }),
    await ask('GET', '/v1/history?status=true'),
    await ask('POST', `/v1/rollback?revision=${revision}&dryRun=true`),
    await ask('GET', '/v1/status'),
    await ask('GET', '/metrics'),
    await ask('DELETE', `${secrets}/nova`),
  ];
  const events = await watch(`/v1/watch?since=${revision}&kinds=Secret`, /deleted/);
  for (const { body, statusCode } of said) {
    t.notRegex(body, new RegExp(canary));
    t.not(statusCode, 500);
  }
  t.regex(events, /nova/);
  t.notRegex(events, new RegExp(canary));
});

test('what was read may be written back: hidden values stay, and one that is not there is refused', async (t) => {
  const { ask, world } = await makeApi(t);
  await ask('POST', secrets, { metadata: { name: 'nova' }, spec: { data: { user: 'me', password: canary } } });
  const { spec } = (await ask('GET', `${secrets}/nova`)).json<{ spec: { data: Record<string, string> } }>();
  t.deepEqual(spec.data, { user: '(hidden)', password: '(hidden)' });
  t.is((await ask('PUT', `${secrets}/nova`, { spec: { data: { ...spec.data, user: 'you' } } })).statusCode, 200);
  t.like(world.store.get(key)?.spec, { data: { user: 'you', password: canary } });
  t.is((await ask('PATCH', `${secrets}/nova`, { spec: { data: { user: null } } })).statusCode, 200);
  t.deepEqual(world.store.get(key)?.spec.data, { password: canary });
  const refused = await ask('PUT', `${secrets}/nova`, { spec: { data: { other: '(hidden)' } } });
  t.is(refused.statusCode, 422);
  t.regex(refused.body, /\/spec\/data\/other/);
});

test('a rollback brings back the values', async (t) => {
  const { ask, world } = await makeApi(t);
  await ask('POST', secrets, { metadata: { name: 'nova' }, spec: { data: { password: canary } } });
  const { revision } = world.store;
  await ask('PUT', `${secrets}/nova`, { spec: { data: { password: 'new' } } });
  await ask('POST', `/v1/rollback?revision=${revision}`);
  t.deepEqual(world.store.get(key)?.spec.data, { password: canary });
});

test('on the disk values are sealed; with another key they stay so, and nothing else is harmed', async (t) => {
  const { ask, world } = await makeApi(t);
  await ask('POST', secrets, { metadata: { name: 'nova' }, spec: { data: { password: canary } } });
  await ask('PUT', `${secrets}/nova`, { spec: { data: { password: `${canary}2` } } });
  await ask('DELETE', `${secrets}/nova`);
  await ask('POST', '/v1/default/shelves', { metadata: { name: canary } });
  const files = readdirSync(world.path).map((name) => readFileSync(join(world.path, name), 'latin1'));
  const found = files.join('').split(canary).length - 1;
  t.true(found > 0, 'the search finds what is not sealed');
  await world.pipeline.idle();
  for (const text of files) t.notRegex(text, new RegExp(`${canary}2`));
  await ask('POST', secrets, { metadata: { name: 'nova' }, spec: { data: { password: canary } } });
  await world.store.close();
  const stranger = new ObjectStore({ path: world.path, sealer: new Sealer(['Secret'], Buffer.alloc(32, 'other')) });
  const lost = stranger.get(key);
  t.true(lost !== undefined && isSealed(lost));
  await stranger.commit([{ op: 'put', object: { ...(lost as NonNullable<typeof lost>), status: { seen: true } } }], 'user:x');
  await stranger.close();
  const owner = new ObjectStore({ path: world.path, sealer: new Sealer(['Secret'], Buffer.alloc(32, 'test')) });
  t.teardown(() => owner.close());
  t.deepEqual(owner.get(key)?.spec.data, { password: canary });
});
