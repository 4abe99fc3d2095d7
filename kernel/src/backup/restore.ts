/** Brings a backup or a snapshot back as the store of a state directory, whose Weft does not run. */
import { copyFile, link, lstat, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fail } from '../../contract/system/index.ts';
import { type SnapshotFacts, sha256Of, snapshotFacts } from '../migrate/index.ts';
import { dataFile, type Restored, restoreCopy, restoreLines, sync } from '../store/index.ts';
import { linesOf, verify } from './envelope.ts';

/** In the folder of the store: where the last restore let it go on. A backup may come back twice, and its first life has had revisions, too. */
const lastRestore = 'last-restore';
/** In the folder of a former store whose key was replaced, base64. */
const formerKey = 'secret.key';

/** A store that lies ready beside the one in force. */
export interface Prepared extends Restored {
  readonly folder: string;
  /** When it was made, RFC 3339. */
  readonly time: string;
  /** Objects that only open with the key of then. */
  readonly sealed: number;
  /** Of that key; see `keyId`. */
  readonly keyId?: string;
  /** That key, base64, when it came along. */
  readonly key?: string;
}

/**
 * @param store folder of the store in force
 * @param source file of a backup, or folder of a snapshot (or the data file in it)
 * @throws MALFORMED, NOT_FOUND; nothing has changed then
 */
export async function prepare(store: string, source: string): Promise<Prepared> {
  const snapshot = await snapshotAt(source);
  if (snapshot === null) await verify(source);
  const above = Number((await textAt(join(store, lastRestore))) ?? 0);
  const folder = join(store, 'restoring');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  try {
    if (snapshot === null) {
      const { header, ...restored } = await restoreLines(folder, linesOf(source), above);
      return { folder, time: header.time, ...(header.keyId === undefined ? {} : { keyId: header.keyId }), ...restored };
    }
    const { time } = await verifySnapshot(snapshot);
    await copyFile(join(snapshot, dataFile), join(folder, dataFile));
    const key = await textAt(join(snapshot, formerKey));
    return { folder, time, sealed: 0, ...(key === null ? {} : { key }), ...(await restoreCopy(folder, above)) };
  } catch (thrown) {
    await rm(folder, { recursive: true, force: true });
    throw thrown;
  }
}

/**
 * Makes a prepared store the one in force: whatever dies in the middle, either the former or the new one is there, whole.
 * @param replaceKey called right before, when nothing else can fail any more
 * @param key of the former store, base64, when it is about to be replaced: kept with that store
 * @returns the folder that keeps the former one, which `prepare` takes again; null when there was none
 */
export async function putInPlace(
  store: string,
  { folder, revision }: Prepared,
  now: Date,
  replaceKey: () => void = () => undefined,
  key: string | null = null,
): Promise<string | null> {
  const file = join(store, dataFile);
  const aside = (await exists(file)) ? join(store, `before-restore-${now.toISOString().slice(0, 19).replaceAll(':', '-')}`) : null;
  if (aside !== null) await keep(file, aside, now, key);
  await sync(join(folder, dataFile));
  await writeWhole(join(store, lastRestore), `${revision}\n`);
  await sync(store);
  replaceKey();
  await rename(join(folder, dataFile), file);
  await sync(store);
  await rm(folder, { recursive: true });
  return aside;
}

/** Links the store in force to a folder of its own. */
async function keep(file: string, aside: string, now: Date, key: string | null): Promise<void> {
  await mkdir(aside, { mode: 0o700 });
  await link(file, join(aside, dataFile));
  const facts: SnapshotFacts = { program: '', revision: 0, time: now.toISOString(), sha256: await sha256Of(file) };
  await writeWhole(join(aside, snapshotFacts), `${JSON.stringify(facts)}\n`);
  if (key !== null) await writeWhole(join(aside, formerKey), `${key}\n`);
  await sync(aside);
}

/** Readable by its owner alone. The folder belongs to the kernel, who leads root nowhere else. */
async function writeWhole(path: string, text: string): Promise<void> {
  await rm(`${path}.new`, { force: true });
  await writeFile(`${path}.new`, text, { mode: 0o600, flag: 'wx' });
  await sync(`${path}.new`);
  await rename(`${path}.new`, path);
}

/** Null when there is no such file. */
async function textAt(path: string): Promise<string | null> {
  return (await exists(path)) ? (await readFile(path, 'utf8')).trim() : null;
}

/** The folder of a snapshot that is meant; null when it is a file of another kind. @throws NOT_FOUND */
async function snapshotAt(source: string): Promise<string | null> {
  try {
    if ((await stat(source)).isDirectory()) return source;
    return basename(source) === dataFile ? dirname(source) : null;
  } catch (thrown) {
    throw fail(
      'NOT_FOUND',
      `${source} cannot be read: ${(thrown as Error).message}`,
      'name the file of a backup or the folder of a snapshot',
    );
  }
}

async function verifySnapshot(folder: string): Promise<SnapshotFacts> {
  let facts: SnapshotFacts;
  try {
    facts = JSON.parse(await readFile(join(folder, snapshotFacts), 'utf8')) as SnapshotFacts;
  } catch (thrown) {
    throw fail('MALFORMED', `${folder} is no snapshot of Weft: ${(thrown as Error).message}`, 'see STATE/store/snapshots');
  }
  if ((await exists(join(folder, dataFile))) && (await sha256Of(join(folder, dataFile))) === facts.sha256) return facts;
  throw fail('MALFORMED', `the snapshot ${folder} is damaged or not whole: its checksum does not fit`, 'take another one');
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => null)) !== null;
}
