import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Converter, KindSpec, Manifest, WeftObject } from '../../contract/system/index.ts';
import { foundPlugin, libraryManifest } from '../apply/test/world.ts';
import { Registry } from '../registry/index.ts';
import { formatVersion, ObjectStore, openEnvironment, Sealer } from '../store/index.ts';
import { compact } from './compact.ts';
import { openUpgraded } from './upgrade.ts';

const [shelfV1, book] = libraryManifest.kinds as [KindSpec, KindSpec];
const converters: readonly Converter[] = [
  {
    version: 2,
    up: [
      { op: 'move', from: '/spec/width', to: '/spec/size/width' },
      { op: 'translate', at: '/spec/place', values: { hall: 'foyer' } },
    ],
    down: [
      { op: 'move', from: '/spec/size/width', to: '/spec/width' },
      { op: 'remove', at: '/spec/size' },
      { op: 'translate', at: '/spec/place', values: { foyer: 'hall' } },
    ],
  },
];
const shelfV2: KindSpec = {
  ...shelfV1,
  schemaVersion: 2,
  converters,
  spec: {
    type: 'object',
    properties: {
      size: { type: 'object', properties: { width: { type: 'integer', maximum: 100 } }, additionalProperties: false },
      place: { enum: ['foyer', 'cellar'] },
    },
    required: ['size'],
    additionalProperties: false,
  },
};

/** Compiling schemas takes long. Kinds are withdrawn from a registry for good: a test that does so takes a copy of the spec. */
const registries = new Map<KindSpec, Registry>();

function registryOf(shelf: KindSpec): Registry {
  const known = registries.get(shelf);
  if (known !== undefined) return known;
  const manifest: Manifest = { ...libraryManifest, kinds: [shelf, book] };
  const registry = new Registry([foundPlugin(manifest)]);
  if (registry.kind('Shelf') === undefined) throw new Error(registry.plugin('library')?.problem ?? '');
  registries.set(shelf, registry);
  return registry;
}

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'weft-upgrade-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

interface House {
  readonly store: ObjectStore;
  readonly registry: Registry;
  readonly said: readonly string[];
}

async function start(path: string, shelf: KindSpec, program = '1.0.0', now?: () => Date): Promise<House> {
  const registry = registryOf(shelf);
  const said: string[] = [];
  const sealer = new Sealer(['Secret'], Buffer.alloc(32, 'k'));
  const say = (line: string): void => void said.push(line);
  const store = await openUpgraded({ store: { path, sealer }, registry, program, say, ...(now === undefined ? {} : { now }) });
  return { store, registry, said };
}

function shelf(name: string, spec: Record<string, unknown>, status: Record<string, unknown> = {}): WeftObject {
  const metadata = { name, project: 'default', uid: name, revision: 0, generation: 1, createdAt: '2026-01-01T00:00:00.000Z' };
  return { apiVersion: 'weft/v1', kind: 'Shelf', metadata, spec, status };
}
const put = (object: WeftObject) => ({ op: 'put', object }) as const;
const key = (name: string) => ({ kind: 'Shelf', project: 'default', name });
const user = 'user:x';

test('a kind goes up and down again: objects, history and watches, after a snapshot of what was', async (t) => {
  const path = folder(t);
  const first = await start(path, shelfV1);
  await first.store.commit([put(shelf('a', { width: 10, place: 'hall' }, { used: 3 }))], user);
  await first.store.commit([put(shelf('a', { width: 20, place: 'cellar' })), put(shelf('b', { width: 7, place: 'hall' }))], user);
  await first.store.commit([{ op: 'delete', key: key('b') }], user);
  const before = first.store.get(key('a'));
  const history = [...first.store.history()];
  await first.store.close();

  const second = await start(path, shelfV2, '2.0.0', () => new Date('2026-02-03T04:05:06Z'));
  t.deepEqual(second.store.get(key('a'))?.spec, { size: { width: 20 }, place: 'cellar' });
  t.is(second.store.revision, 4, 'nobody changed anything');
  const { events } = second.store.eventsAfter(0, null);
  t.deepEqual(
    events.map(({ object }) => object.spec),
    [
      { size: { width: 10 }, place: 'foyer' },
      { size: { width: 20 }, place: 'cellar' },
      { size: { width: 7 }, place: 'foyer' },
      { size: { width: 7 }, place: 'foyer' },
    ],
  );
  t.deepEqual([...second.store.history()][1]?.before?.spec, { size: { width: 10 }, place: 'foyer' }, 'for a way back');
  t.deepEqual(readdirSync(join(path, 'snapshots')), ['2026-02-03T04-05-06-weft-1.0.0-revision-4']);
  t.regex(second.said.join('\n'), /snapshot.*\n.*Shelf: converted from schema version 1 to 2/);
  await second.store.close();

  const third = await start(path, shelfV1, '1.0.0');
  t.deepEqual(third.store.get(key('a')), before, 'by the steps that the newer program has left');
  t.deepEqual([...third.store.history()], history);
  await third.store.close();
  const fourth = await start(path, shelfV1);
  t.deepEqual(fourth.said, [], 'and then there is nothing to do');
  await fourth.store.close();
});

test('an object that does not fit leaves its kind as it was, which is not served and says why', async (t) => {
  const path = folder(t);
  const first = await start(path, shelfV1);
  await first.store.commit([put(shelf('a', { width: 10, place: 'hall' })), put(shelf('broad', { width: 500, place: 'hall' }))], user);
  await first.store.close();
  const second = await start(path, { ...shelfV2 });
  t.deepEqual(second.store.get(key('a'))?.spec, { width: 10, place: 'hall' }, 'all or nothing');
  t.throws(() => second.registry.assertServed('Shelf'), {
    message:
      /Shelf are not served: it cannot be converted from schema version 1 to 2: Shelf\/default\/broad does not fit: \/spec\/size\/width 500 is too large/,
  });
  t.notThrows(() => second.registry.assertServed('Book'));
  await second.store.close();
  t.false(existsSync(join(path, 'snapshots')), 'each start in vain would push out one that is needed');

  const third = await start(path, shelfV1);
  t.notThrows(() => third.registry.assertServed('Shelf'), 'the older program has all of it');
  await third.store.commit([{ op: 'delete', key: key('broad') }], user);
  await third.store.close();
  const fourth = await start(path, shelfV2);
  t.deepEqual(fourth.store.get(key('a'))?.spec, { size: { width: 10 }, place: 'foyer' });
  await fourth.store.close();
});

test('what lies sealed on the disk is sealed again', async (t) => {
  const path = folder(t);
  const first = await start(path, shelfV1);
  const secret = { ...shelf('s', { data: { word: 'hidden-word' } }), kind: 'Secret' };
  await first.store.commit([put(secret)], user);
  await first.store.upkeep.convertKind('Secret', { schemaVersion: 2, references: [] }, (object) => ({
    ...object,
    spec: { ...object.spec, more: 1 },
  }));
  t.deepEqual(first.store.get({ ...key('s'), kind: 'Secret' })?.spec, { data: { word: 'hidden-word' }, more: 1 });
  await first.store.close();
  t.false(readFileSync(join(path, 'data.mdb')).includes('hidden-word'));
});

test('a store of format 1 becomes one of today after a snapshot; one of tomorrow is refused', async (t) => {
  const path = folder(t);
  const first = await start(path, shelfV1);
  await first.store.commit([put(shelf('a', { width: 10, place: 'hall' }))], user);
  await first.store.close();
  const old = openEnvironment(path);
  for (const name of [...old.meta.getKeys()]) if (name.startsWith('schema/') || name === 'program') await old.meta.remove(name);
  await old.meta.put('format', 1);
  await old.root.close();
  t.throws(() => new ObjectStore({ path }), { message: /has format 1 and was not migrated/ });

  const second = await start(path, shelfV2);
  t.deepEqual(second.store.get(key('a'))?.spec, { size: { width: 10 }, place: 'foyer' }, 'its kinds were in version 1');
  t.regex(readdirSync(join(path, 'snapshots')).join(), /-weft-unknown-revision-1$/);
  await second.store.close();

  const raw = openEnvironment(path);
  await raw.meta.put('format', formatVersion + 1);
  await raw.root.close();
  await t.throwsAsync(start(path, shelfV2), {
    message: new RegExp(`has format ${formatVersion + 1}, this program reads formats up to ${formatVersion}`),
  });
});

test('the newest three snapshots are kept', async (t) => {
  const path = folder(t);
  await (await start(path, shelfV1)).store.close();
  for (let day = 1; day <= 5; day += 1)
    await (await start(path, day % 2 === 1 ? shelfV2 : shelfV1, '1.0.0', () => new Date(`2026-01-0${day}T00:00:00Z`))).store.close();
  t.deepEqual(
    readdirSync(join(path, 'snapshots')).map((name) => name.slice(0, 10)),
    ['2026-01-03', '2026-01-04', '2026-01-05'],
  );
});

test('a store that is mostly empty space is written anew at start', async (t) => {
  const path = folder(t);
  const store = new ObjectStore({ path, retention: 10 });
  const big = Array.from({ length: 300 }, (_, index) => put(shelf(`n${index}`, { text: 'x'.repeat(20_000) })));
  await store.commit(big, user);
  await store.commit(
    big.slice(1).map(({ object }) => ({ op: 'delete', key: key(object.metadata.name) })),
    user,
  );
  for (let index = 0; index < 11; index += 1) await store.commit([put(shelf('n0', { text: 'short' }))], user);
  const { revision } = store;
  await store.close();
  const { size } = statSync(join(path, 'data.mdb'));
  t.is(await compact(path), 0, 'a small one is not worth it');
  const saved = await compact(path, 1);
  t.true(saved > size * 0.8, `${saved} of ${size}`);
  t.is(await compact(path, 1), 0);
  t.false(existsSync(join(path, 'compacted')));
  const again = new ObjectStore({ path, retention: 10 });
  t.deepEqual([again.revision, again.counts, again.get(key('n0'))?.spec], [revision, { Shelf: 1 }, { text: 'short' }]);
  await again.close();
});
