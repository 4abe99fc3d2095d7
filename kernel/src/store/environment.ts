/** The LMDB environment of a store: what lies in it, and its format. Nobody but this room and the format migrations touches it. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { fail, type ObjectKey, type WeftObject } from '../../contract/system/index.ts';
import type { LogEntry } from './log-entry.ts';
import type { KindSchema } from './upkeep.ts';

/** Of the store on disk. An older one is migrated (kernel/src/migrate), a newer one refused, none guessed at. */
export const formatVersion = 2;

/** Where an object lies; '' stands for the project of a system kind. */
export type Address = [kind: string, project: string, name: string];

export interface Environment {
  /** Its folder. */
  readonly path: string;
  readonly root: RootDatabase;
  readonly objects: Database<WeftObject, Address>;
  /** By revision. */
  readonly log: Database<LogEntry, number>;
  /** `format`, `revision`, `floor`, `resumable`, `kindRevisions`, `program`, `schema/KIND`, `setting/NAME`. */
  readonly meta: Database<unknown, string>;
}

export const schemaPrefix = 'schema/';
export const settingPrefix = 'setting/';

/** File of an environment in its folder. */
export const dataFile = 'data.mdb';

export function storeExists(path: string): boolean {
  return existsSync(join(path, dataFile));
}

/** @param path folder; made if missing */
export function openEnvironment(path: string): Environment {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  // lmdb-js drops the promise of a batch: a full disk would end the process by it
  const root = open({ path, maxDbs: 8, noSubdir: false, eventTurnBatching: false });
  const shared = { sharedStructuresKey: Symbol.for('structures') };
  return {
    path,
    root,
    objects: root.openDB({ name: 'objects', ...shared }),
    log: root.openDB({ name: 'log', ...shared }),
    meta: root.openDB({ name: 'meta' }),
  };
}

/** Format of what is there; null when it is new. @throws INTERNAL when this program is too old for it */
export function formatOf({ meta, path }: Environment): number | null {
  const format = (meta.get('format') as number | undefined) ?? null;
  if (format === null || format <= formatVersion) return format;
  throw fail(
    'INTERNAL',
    `the store in ${path} has format ${format}, this program reads formats up to ${formatVersion}`,
    'start the version of Weft that wrote it, or go back to a snapshot of before: weft restore FILE (docs/guide/upgrades.md)',
  );
}

/** Of the log; what lmdb-js itself keeps in it is none. */
export function entriesIn(log: Environment['log']): number {
  return log.getKeysCount({ start: 0 });
}

/** Pages that hold something, and all of the file. */
export function pagesOf({ root, objects, log, meta }: Environment): { used: number; all: number } {
  const stats = root.getStats() as EnvironmentStats;
  const parts = [stats.root, stats.free, ...[objects, log, meta].map((database) => database.getStats() as DatabaseStats)];
  const used = parts.reduce((sum, part) => sum + part.treeBranchPageCount + part.treeLeafPageCount + part.overflowPages, 0);
  return { used, all: stats.lastPageNumber + 1 };
}

/** What the objects of each kind that there ever was are written in. */
export function schemasOf({ meta }: Environment): ReadonlyMap<string, KindSchema> {
  const range = meta.getRange({ start: schemaPrefix, end: `${schemaPrefix}~` });
  return new Map([...range].map(({ key, value }) => [key.slice(schemaPrefix.length), value as KindSchema]));
}

/** lmdb-js types them as an empty object. */
interface DatabaseStats {
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
}

interface EnvironmentStats {
  readonly lastPageNumber: number;
  readonly root: DatabaseStats;
  readonly free: DatabaseStats;
}

export function addressOf(key: ObjectKey): Address {
  return [key.kind, key.project ?? '', key.name];
}

/** All addresses of a kind, of one project or of all. */
export function addressesOf(kind: string, project?: string): { start: Address; end: Address } {
  const start = project === undefined ? [kind] : [kind, project];
  // '~' sorts behind every character of a name
  return { start: start as unknown as Address, end: [...start, '~'] as unknown as Address };
}
