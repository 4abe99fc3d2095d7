import { createWriteStream, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import test, { type ExecutionContext } from 'ava';
import type { WeftObject } from '../../contract/system/index.ts';
import { takeSnapshot } from '../migrate/snapshots.ts';
import { ObjectStore, openEnvironment, Sealer } from '../store/index.ts';
import { sealed } from './envelope.ts';
import { keyId } from './key-id.ts';
import { prepare, putInPlace } from './restore.ts';

const facts = { program: '1.2.3', time: '2026-02-03T04:05:06.000Z' };
const key = Buffer.alloc(32, 'k').toString('base64');
const sealer = new Sealer(['Secret'], Buffer.from(key, 'base64'));
const now = new Date('2026-03-04T05:06:07Z');

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'weft-backup-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

function thing(name: string, spec: Record<string, unknown>, kind = 'Thing'): { op: 'put'; object: WeftObject } {
  const metadata = { name, project: 'default', uid: name, revision: 0, generation: 1, createdAt: '2026-01-01T00:00:00.000Z' };
  return { op: 'put', object: { apiVersion: 'weft/v1', kind, metadata, spec, status: {} } };
}

async function write(file: string, store: ObjectStore, more: object = {}): Promise<void> {
  await pipeline(Readable.from(sealed(store.upkeep.backup({ ...facts, ...more }))), createWriteStream(file));
}

/** Everything that a store shows. */
function contentOf(store: ObjectStore, until: number): object {
  const kinds = Object.keys(store.counts);
  return {
    objects: kinds.flatMap((kind) => store.list(kind)),
    history: [...store.history()].filter(({ revision }) => revision <= until),
    settings: [...store.settings('')],
    schemas: [...store.upkeep.schemas],
    floor: store.floor,
  };
}

async function filled(path: string): Promise<ObjectStore> {
  const store = new ObjectStore({ path, retention: 120, sealer });
  for (let index = 0; index < 40; index += 1)
    await store.commit(
      [1, 2, 3, 4].map((part) => thing(`n${index % 10}-${part}`, { index, text: `${'ä'.repeat(index * 10)}\u2028\r\u0085\n` })),
      'user:x',
    );
  await store.commit([thing('s', { data: { word: 'hidden-word' } }, 'Secret')], 'user:x');
  await store.saveSetting('token/a', { hash: 'abc' });
  await store.upkeep.rememberSchemas(
    new Map([['Thing', { schemaVersion: 3, references: [], converters: [{ version: 2, up: [], down: [] }] }]]),
  );
  return store;
}

test('a store comes back as it was, elsewhere; its revisions go on above all that anybody has seen', async (t) => {
  const [from, to] = [folder(t), folder(t)];
  const store = await filled(from);
  const file = join(to, 'file');
  await write(file, store, { keyId: keyId(key) });
  const before = contentOf(store, store.revision);
  const { revision } = store;
  await store.close();
  t.false(readFileSync(file).includes('hidden-word'));

  const prepared = await prepare(join(to, 'store'), file);
  t.like(prepared, { from: revision, revision: 1_000_000_000, sealed: 1, keyId: keyId(key), time: facts.time });
  t.is(prepared.key, undefined);
  t.false(existsSync(join(to, 'store', 'data.mdb')), 'only prepared yet');
  t.is(await putInPlace(join(to, 'store'), prepared, now), null);

  const again = new ObjectStore({ path: join(to, 'store'), retention: 120, sealer });
  t.deepEqual(contentOf(again, revision), before);
  t.deepEqual(again.get({ kind: 'Secret', project: 'default', name: 's' })?.spec, { data: { word: 'hidden-word' } });
  t.throws(() => again.assertReachable(revision), { message: /a backup was restored since then/ });
  t.notThrows(() => again.assertLogged(revision - 5), 'and yet there is a way back');
  const [event] = await again.commit([thing('new', {})], 'user:x');
  t.is(event?.revision, 1_000_000_001);
  t.is([...again.history()].length, 120, 'the log stays as long as it was');
  t.deepEqual(again.eventsAfter(1_000_000_000, null).events, [event]);
  await again.close();
});

test('what is written meanwhile does not tear a backup', async (t) => {
  const [from, to] = [folder(t), folder(t)];
  const store = new ObjectStore({ path: from });
  const names = Array.from({ length: 300 }, (_, index) => `n${index}`);
  let round = 0;
  // each transaction gives all objects the same number: a torn backup would hold two
  const turn = (): Promise<unknown> =>
    store.commit(
      names.map((name) => thing(name, { round, text: 'x'.repeat(500) })),
      'user:x',
    );
  await turn();
  let writing = true;
  const load = (async () => {
    while (writing) {
      round += 1;
      await turn();
    }
  })();
  for (let copy = 0; copy < 2; copy += 1) {
    const began = store.revision;
    await write(join(to, 'file'), store);
    const path = join(to, `store${copy}`);
    const prepared = await prepare(path, join(to, 'file'));
    t.true(prepared.from >= began);
    await putInPlace(path, prepared, now);
    const again = new ObjectStore({ path });
    t.is(new Set(again.list('Thing').map(({ spec }) => spec.round)).size, 1);
    t.is(again.counts.Thing, 300);
    t.is([...again.history()].at(-1)?.revision, prepared.from);
    await again.close();
  }
  writing = false;
  await load;
  t.true(round > 2);
  await store.close();
});

test('a file that is damaged, cut off, foreign or of another version is refused, and nothing has changed', async (t) => {
  const path = folder(t);
  const store = await filled(join(path, 'store'));
  const file = join(path, 'file');
  await write(file, store);
  await store.close();
  const whole = readFileSync(file);
  const was = readFileSync(join(path, 'store', 'data.mdb'));
  const refused = async (content: Buffer | string, message: RegExp): Promise<void> => {
    writeFileSync(file, content);
    await t.throwsAsync(prepare(join(path, 'store'), file), { message });
  };
  for (let index = 0; index < 200; index += 1) {
    const broken = Buffer.from(whole);
    const at = index < 14 ? index : Math.floor(Math.random() * whole.length);
    broken[at] = (broken[at] ?? 0) ^ (1 << (index % 8));
    await refused(broken, /damaged|no backup|another version/);
  }
  for (const length of [0, 5, 14, 40, whole.length - 33, whole.length - 1]) await refused(whole.subarray(0, length), /damaged|no backup/);
  await refused(Buffer.concat([whole, Buffer.from('x')]), /damaged/);
  await refused('kind: Project\n', /is no backup of Weft/);
  await refused(Buffer.concat([Buffer.from('weft-backup 2\n'), whole.subarray(14)]), /of another version/);
  await t.throwsAsync(prepare(join(path, 'store'), join(path, 'ghost')), { message: /cannot be read/ });
  t.true(readFileSync(join(path, 'store', 'data.mdb')).equals(was));
  t.false(readdirSync(join(path, 'store')).includes('restoring'));
});

test('lines that this program does not know are refused by their number', async (t) => {
  const path = folder(t);
  const file = join(path, 'file');
  const header = JSON.stringify({ header: { ...facts, revision: 1, floor: 0, kindRevisions: [] } });
  const refused = async (text: string, message: RegExp): Promise<void> => {
    await pipeline(Readable.from(sealed(Readable.from([text]))), createWriteStream(file));
    await t.throwsAsync(prepare(join(path, 'store'), file), { message });
  };
  await refused(`${header}\n{"spell":1}\n`, /line 2 of the backup: this program does not know what "spell" is/);
  await refused(`${header}\n{"object"\n`, /line 2 of the backup/);
  await refused('{"setting":{"name":"a","value":1}}\n', /line 1 of the backup: the header is the first line/);
  await refused(`${header}\n{"end":{"lines":7}}\n`, /line 2 of the backup: it is the end of 7 lines/);
  await refused(`${header}\n`, /line 2 of the backup: the end is missing/);
});

test('the key of secrets is in it only when asked for', async (t) => {
  const path = folder(t);
  const store = await filled(join(path, 'store'));
  await write(join(path, 'file'), store, { key, keyId: keyId(key) });
  await store.close();
  t.like(await prepare(join(path, 'other'), join(path, 'file')), { key, keyId: keyId(key) });
});

test('a snapshot comes back as well; what was there is kept and comes back the same way', async (t) => {
  const path = join(folder(t), 'store');
  const store = await filled(path);
  const { revision } = store;
  await store.close();
  const environment = openEnvironment(path);
  const snapshot = await takeSnapshot(environment, now);
  await environment.root.close();
  const later = new ObjectStore({ path });
  await later.commit([thing('later', {})], 'user:x');
  await later.close();

  const aside = await putInPlace(path, await prepare(path, snapshot), now, undefined, key);
  const restored = new ObjectStore({ path });
  t.is(restored.get({ kind: 'Thing', project: 'default', name: 'later' }), undefined);
  t.throws(() => restored.assertReachable(revision), { message: /restored/ });
  await restored.close();

  t.is(aside, join(path, 'before-restore-2026-03-04T05-06-07'));
  const former = await prepare(path, join(aside ?? '', 'data.mdb'));
  t.is(former.key, key, 'the key that was replaced comes back with it');
  t.is(former.revision, 2_000_000_000, 'above those of the life that ends here');
  await putInPlace(path, former, new Date(now.getTime() + 1_000));
  const back = new ObjectStore({ path });
  t.truthy(back.get({ kind: 'Thing', project: 'default', name: 'later' }));
  await back.close();

  const damaged = readFileSync(join(snapshot, 'data.mdb'));
  damaged[9_000] = (damaged[9_000] ?? 0) ^ 1;
  writeFileSync(join(snapshot, 'data.mdb'), damaged);
  await t.throwsAsync(prepare(path, snapshot), { message: /its checksum does not fit/ });
});
