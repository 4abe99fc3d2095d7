/** Copies of the whole store from before each upgrade: what `weft restore` goes back to. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { dataFile, type Environment, sync } from '../store/index.ts';

/** What stands beside the copy. */
export interface SnapshotFacts {
  /** Version of Weft that wrote the store; empty when it did not say. */
  readonly program: string;
  readonly revision: number;
  /** RFC 3339, UTC. */
  readonly time: string;
  /** Of the copy, hexadecimal: LMDB has no checksums. */
  readonly sha256: string;
}

export const snapshotFacts = 'snapshot.json';
const kept = 3;

/** @returns its folder; an unfinished one never has a name that counts */
export async function takeSnapshot(environment: Environment, now: Date): Promise<string> {
  const { meta, root, path } = environment;
  const program = (meta.get('program') as string | undefined) ?? '';
  const revision = (meta.get('revision') as number | undefined) ?? 0;
  const time = now.toISOString();
  const parent = join(path, 'snapshots');
  const name = `${time.slice(0, 19).replaceAll(':', '-')}-weft-${program === '' ? 'unknown' : program}-revision-${revision}`;
  const draft = join(parent, '.draft');
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { recursive: true, mode: 0o700 });
  await root.backup(draft, true);
  const facts: SnapshotFacts = { program, revision, time, sha256: await sha256Of(join(draft, dataFile)) };
  await writeFile(join(draft, snapshotFacts), `${JSON.stringify(facts)}\n`);
  // what comes next changes the store itself
  for (const file of [dataFile, snapshotFacts]) await sync(join(draft, file));
  await sync(draft);
  const folder = join(parent, name);
  await rm(folder, { recursive: true, force: true });
  await rename(draft, folder);
  await sync(parent);
  await prune(parent);
  return folder;
}

async function prune(parent: string): Promise<void> {
  const names = (await readdir(parent)).filter((name) => !name.startsWith('.')).sort();
  for (const name of names.slice(0, -kept)) await rm(join(parent, name), { recursive: true });
}

export async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
