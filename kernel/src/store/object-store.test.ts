import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test, { type ExecutionContext } from 'ava';
import { open } from 'lmdb';
import type { ObjectEvent, WeftObject } from '../../contract/system/index.ts';
import { ObjectStore, type StoreOptions } from './object-store.ts';

const writerProgram = new URL('fixtures/writer.ts', import.meta.url).pathname;

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'weft-store-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

function openStore(t: ExecutionContext, path = folder(t), options: Partial<StoreOptions> = {}): ObjectStore {
  const store = new ObjectStore({ path, ...options });
  t.teardown(() => store.close());
  return store;
}

function thing(name: string, spec: Record<string, unknown> = {}, kind = 'Thing', project = 'default'): WeftObject {
  const metadata = { name, project, uid: name, revision: 0, generation: 1, createdAt: '2026-01-01T00:00:00.000Z' };
  return { apiVersion: 'weft/v1', kind, metadata, spec, status: {} };
}

const put = (object: WeftObject) => ({ op: 'put', object }) as const;
const key = (name: string) => ({ kind: 'Thing', project: 'default', name });

/** Reads a watch until so many events were seen. */
async function take(store: ObjectStore, since: number, count: number, kinds: ReadonlySet<string> | null = null): Promise<ObjectEvent[]> {
  const events: ObjectEvent[] = [];
  for await (const batch of store.watch(since, kinds)) {
    events.push(...batch);
    if (events.length >= count) break;
  }
  return events;
}

test('every write of a transaction has a revision of its own, in order', async (t) => {
  const store = openStore(t);
  const events = await store.commit([put(thing('a')), put(thing('b'))], 'user:x');
  t.deepEqual(
    events.map(({ revision, type }) => [revision, type]),
    [
      [1, 'created'],
      [2, 'created'],
    ],
  );
  t.is(store.revision, 2);
  t.is(store.get(key('b'))?.metadata.revision, 2);
  const [updated, deleted] = await store.commit([put(thing('a', { x: 1 })), { op: 'delete', key: key('b') }], 'user:x');
  t.is(updated?.type, 'updated');
  t.is(deleted?.type, 'deleted');
  t.is(deleted?.object.metadata.name, 'b');
});

test('a transaction with an impossible write writes nothing', async (t) => {
  const store = openStore(t);
  await t.throwsAsync(store.commit([put(thing('a')), { op: 'delete', key: key('ghost') }], 'user:x'), { message: /does not exist/ });
  t.is(store.revision, 0);
  t.is(store.get(key('a')), undefined);
  await store.commit([put(thing('b'))], 'user:x');
  t.is(store.revision, 1, 'and the store goes on');
});

test('lists by kind and project, in order, without neighbours', async (t) => {
  const store = openStore(t);
  const objects = [
    thing('b'),
    thing('a'),
    thing('c', {}, 'Thing', 'default2'),
    thing('d', {}, 'Things'),
    thing('e', {}, 'Thing', 'defaul'),
  ];
  await store.commit(objects.map(put), 'user:x');
  const names = (list: readonly WeftObject[]) => list.map(({ metadata }) => metadata.name);
  t.deepEqual(names(store.list('Thing', 'default')), ['a', 'b']);
  t.deepEqual(names(store.list('Thing')), ['e', 'a', 'b', 'c']);
  t.deepEqual(store.counts, { Thing: 4, Things: 1 });
});

test('what comes back is plain data, equal to what went in', async (t) => {
  const path = folder(t);
  const spec = { text: 'ü', list: [1, { deep: null }], yes: true, big: 2 ** 40, empty: {} };
  const store = new ObjectStore({ path });
  await store.commit([put(thing('a', spec))], 'user:x');
  await store.close();
  t.deepEqual(openStore(t, path).get(key('a'))?.spec, spec);
});

test('objects, revisions, counts and settings survive a reopening', async (t) => {
  const path = folder(t);
  const first = new ObjectStore({ path });
  await first.commit([put(thing('a')), put(thing('o', {}, 'Other'))], 'user:x');
  await first.saveSetting('plugin/x', { enabled: false });
  await first.close();
  const second = openStore(t, path);
  t.is(second.revision, 2);
  t.deepEqual(second.counts, { Other: 1, Thing: 1 });
  t.is(second.revisionOf(['Thing']), 1);
  t.deepEqual(second.setting('plugin/x'), { enabled: false });
  await second.commit([put(thing('b'))], 'user:x');
  t.is(second.revision, 3);
});

test('a watch gives what was and what comes, once, in order, of its kinds', async (t) => {
  const store = openStore(t);
  await store.commit([put(thing('a')), put(thing('x', {}, 'Other'))], 'user:x');
  const reading = take(store, 0, 3, new Set(['Thing']));
  await store.commit([put(thing('b'))], 'user:x');
  await store.commit([put(thing('y', {}, 'Other')), { op: 'delete', key: key('a') }], 'user:x');
  t.deepEqual(
    (await reading).map(({ revision, type, object }) => [revision, type, object.metadata.name]),
    [
      [1, 'created', 'a'],
      [3, 'created', 'b'],
      [5, 'deleted', 'a'],
    ],
  );
});

test('a watch resumes in the middle of a transaction and across a reopening', async (t) => {
  const path = folder(t);
  const first = new ObjectStore({ path });
  await first.commit(
    ['a', 'b', 'c'].map((name) => put(thing(name))),
    'user:x',
  );
  await first.close();
  const second = openStore(t, path);
  const reading = take(second, 2, 2);
  await second.commit([put(thing('d'))], 'user:x');
  t.deepEqual(
    (await reading).map(({ object }) => object.metadata.name),
    ['c', 'd'],
  );
});

test('a watch of more events than one batch loses none', async (t) => {
  const store = openStore(t);
  await store.commit(
    Array.from({ length: 1234 }, (_, index) => put(thing(`n${index}`))),
    'user:x',
  );
  const events = await take(store, 0, 1234);
  t.deepEqual(
    events.map(({ revision }) => revision),
    Array.from({ length: 1234 }, (_, index) => index + 1),
  );
});

test('the log keeps what it shall; older revisions are gone, and so are future ones', async (t) => {
  const path = folder(t);
  const store = new ObjectStore({ path, retention: 10 });
  for (let index = 0; index < 30; index += 1) await store.commit([put(thing(`n${index}`))], 'user:x');
  t.is((await take(store, 20, 10)).length, 10);
  await t.throwsAsync(take(store, 19, 1), { message: /events after revision 19 are gone/ });
  await t.throwsAsync(take(store, 31, 1), { message: /does not exist yet/ });
  await store.close();
  const again = openStore(t, path, { retention: 10 });
  t.throws(() => again.assertReachable(19), { message: /gone/ });
  t.notThrows(() => again.assertReachable(20));
});

test('a store whose objects only change does not grow for ever', async (t) => {
  const path = folder(t);
  const store = openStore(t, path, { retention: 1_000 });
  const size = (): number => statSync(join(path, 'data.mdb')).size;
  const write = async (updates: number): Promise<void> => {
    const writes = Array.from({ length: 100 }, (_, index) => put(thing(`n${index}`, { text: 'x'.repeat(500) })));
    for (let done = 0; done < updates; done += 100) await store.commit(writes, 'user:x');
  };
  await write(5_000);
  const settled = size();
  await write(15_000);
  t.true(size() <= settled * 1.1, `${settled} bytes grew to ${size()}`);
  t.is([...store.history()].length, 1_000);
});

test('the history tells who and when, and which changes belong together', async (t) => {
  const store = openStore(t, folder(t), { now: () => new Date('2026-02-03T04:05:06Z') });
  await store.commit([put(thing('a')), put(thing('b'))], 'user:root');
  t.deepEqual(
    [...store.history()].map(({ revision, subject, time, transaction }) => [revision, subject, time, transaction]),
    [
      [1, 'user:root', '2026-02-03T04:05:06.000Z', 2],
      [2, 'user:root', '2026-02-03T04:05:06.000Z', 2],
    ],
  );
});

test('a watch ends when it is aborted and when the store closes', async (t) => {
  const store = openStore(t);
  const abort = new AbortController();
  const drain = async (signal?: AbortSignal): Promise<string> => {
    for await (const _ of store.watch(0, null, signal)) t.fail();
    return 'ended';
  };
  const aborted = drain(abort.signal);
  const closed = drain();
  abort.abort();
  t.is(await aborted, 'ended');
  await store.close();
  t.is(await closed, 'ended');
});

test('a store of another format is refused', async (t) => {
  const path = folder(t);
  await new ObjectStore({ path }).close();
  const raw = open({ path, maxDbs: 8 });
  await raw.openDB({ name: 'meta' }).put('format', 99);
  await raw.close();
  t.throws(() => new ObjectStore({ path }), { message: /has format 99/ });
});

test('a writer killed in the middle of its work has lost nothing that it acknowledged, and torn no transaction', async (t) => {
  const path = folder(t);
  let acknowledged = 0;
  for (let round = 0; round < 4; round += 1) {
    const child = spawn(process.execPath, [writerProgram, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(child, 'exit');
    let lines = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged = Number(line);
      lines += 1;
      if (lines === 20 + 7 * round) child.kill('SIGKILL');
    }
    await exited;
    const store = new ObjectStore({ path });
    t.true(store.revision >= acknowledged, `${store.revision} >= ${acknowledged}`);
    t.is(store.revision % 3, 0, 'transactions of three are whole');
    t.is(store.counts.Thing, store.revision);
    t.is([...store.history()].length, store.revision);
    await store.close();
  }
});
