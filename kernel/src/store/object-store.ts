/** Objects, their change log and the kernel's own settings in one LMDB environment. One writer: the kernel. */
import { mkdirSync } from 'node:fs';
import { type Database, open, type RootDatabase } from 'lmdb';
import { fail, formatKey, keyOf, type ObjectEvent, type ObjectKey, type WeftObject } from '../../contract/system/index.ts';
import { Notice } from './notice.ts';
import type { Sealer } from './sealer.ts';

/** Of the store on disk. A store with another number is refused, never guessed at. */
const formatVersion = 1;
const defaultRetention = 100_000;
/** Events that one batch of a watch carries at most. */
const watchBatch = 500;
const settingPrefix = 'setting/';

/** One object as it shall be; `metadata.revision` is set by the store. */
export type Write = { readonly op: 'put'; readonly object: WeftObject } | { readonly op: 'delete'; readonly key: ObjectKey };

/** A change of the past, as the log keeps it. */
export interface LogEntry extends ObjectEvent {
  /** What the object was; null on creation. Absent in entries that an earlier version wrote. */
  readonly before?: WeftObject | null;
  /** Who asked for it. */
  readonly subject: string;
  /** RFC 3339, UTC. */
  readonly time: string;
  /** Last revision of the transaction that it belongs to. */
  readonly transaction: number;
}

export interface StoreOptions {
  /** Folder; made if missing. */
  readonly path: string;
  /** Events kept in the log. */
  readonly retention?: number;
  /** For kinds that must not lie readable on the disk. */
  readonly sealer?: Sealer;
  readonly now?: () => Date;
}

type Address = [kind: string, project: string, name: string];

export class ObjectStore {
  readonly #root: RootDatabase;
  readonly #objects: Database<WeftObject, Address>;
  readonly #log: Database<LogEntry, number>;
  readonly #meta: Database<unknown, string>;
  readonly #retention: number;
  readonly #now: () => Date;
  readonly #sealer: Sealer | undefined;
  readonly #counts = new Map<string, number>();
  #kindRevisions: Map<string, number>;
  readonly #flushed = new Notice();
  #revision: number;
  /** Every event above it is still in the log. */
  #floor: number;
  /** Changes from this revision on stay in the log, whatever its length. */
  #retained: number | null = null;
  #committing = false;
  #closed = false;

  constructor(options: StoreOptions) {
    mkdirSync(options.path, { recursive: true, mode: 0o700 });
    this.#retention = options.retention ?? defaultRetention;
    this.#now = options.now ?? (() => new Date());
    this.#sealer = options.sealer;
    this.#root = open({ path: options.path, maxDbs: 8 });
    this.#objects = this.#root.openDB({ name: 'objects', sharedStructuresKey: Symbol.for('structures') });
    this.#log = this.#root.openDB({ name: 'log', sharedStructuresKey: Symbol.for('structures') });
    this.#meta = this.#root.openDB({ name: 'meta' });
    const format = this.#meta.get('format');
    if (format !== undefined && format !== formatVersion) {
      void this.#root.close();
      throw fail(
        'INTERNAL',
        `the store in ${options.path} has format ${String(format)}, this program reads format ${formatVersion}`,
        'start the version of Weft that wrote it, or move the folder away',
      );
    }
    if (format === undefined) this.#meta.putSync('format', formatVersion);
    this.#revision = (this.#meta.get('revision') as number | undefined) ?? 0;
    this.#floor = (this.#meta.get('floor') as number | undefined) ?? 0;
    this.#kindRevisions = new Map((this.#meta.get('kindRevisions') as [string, number][] | undefined) ?? []);
    for (const [kind] of this.#objects.getKeys()) this.#count(kind, 1);
  }

  /** Revision of the last acknowledged change. */
  get revision(): number {
    return this.#revision;
  }

  /** Revision that reads show. Ahead of `revision` while a commit is on its way to the disk: a crash may still take it back. */
  get visibleRevision(): number {
    return (this.#meta.get('revision') as number | undefined) ?? 0;
  }

  /** Revision of the last change of any of these kinds; 0 when there never was one. */
  revisionOf(kinds: readonly string[]): number {
    return kinds.reduce((highest, kind) => Math.max(highest, this.#kindRevisions.get(kind) ?? 0), 0);
  }

  /** Number of objects by kind. */
  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].filter(([, count]) => count > 0).sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  get(key: ObjectKey): WeftObject | undefined {
    const object = this.#objects.get(addressOf(key));
    return object === undefined ? undefined : this.#open(object);
  }

  /** All objects of a kind, of one project or of all, in the order of project and name. */
  list(kind: string, project?: string): WeftObject[] {
    const start = project === undefined ? [kind] : [kind, project];
    // '~' sorts behind every character of a name
    const range = this.#objects.getRange({ start: start as Address, end: [...start, '~'] as Address });
    return [...range.map(({ value }) => this.#open(value))];
  }

  /**
   * Writes all or nothing and resolves once it is on disk; watchers hear of it then. Each write gets a revision of its own, in order, so that a
   * watch may resume in the middle of a transaction. Callers serialise (apply's pipeline does): there is one writer.
   * @param settings kept in the same transaction; undefined removes one
   */
  async commit(
    writes: readonly Write[],
    subject: string,
    settings: Readonly<Record<string, unknown>> = {},
  ): Promise<readonly ObjectEvent[]> {
    if (writes.length === 0 && Object.keys(settings).length === 0) return [];
    if (this.#committing) throw fail('INTERNAL', 'store: two commits at once');
    this.#committing = true;
    try {
      return await this.#commit(writes, subject, settings);
    } finally {
      this.#committing = false;
    }
  }

  async #commit(writes: readonly Write[], subject: string, settings: Readonly<Record<string, unknown>>): Promise<readonly ObjectEvent[]> {
    // all that may be refused is refused before the transaction: LMDB's asynchronous transactions cannot be aborted
    const entries = writes.map((write, index) => this.#event(write, this.#revision + 1 + index));
    const events = entries.map(({ event }) => event);
    const transaction = this.#revision + writes.length;
    const time = this.#now().toISOString();
    const wanted = Math.max(this.#floor, transaction - this.#retention);
    const floor = this.#retained === null ? wanted : Math.max(this.#floor, Math.min(wanted, this.#retained - 1));
    const kindRevisions = new Map(this.#kindRevisions);
    for (const { object, revision } of events) kindRevisions.set(object.kind, revision);
    await this.#root.transaction(() => {
      for (const { event, before } of entries) {
        const address = addressOf(keyOf(event.object));
        if (event.type === 'deleted') void this.#objects.remove(address);
        else void this.#objects.put(address, this.#seal(event.object));
        const sealed = { object: this.#seal(event.object), before: before === null ? null : this.#seal(before) };
        void this.#log.put(event.revision, { ...event, ...sealed, subject, time, transaction });
      }
      for (const [name, value] of Object.entries(settings)) {
        if (value === undefined) void this.#meta.remove(settingPrefix + name);
        else void this.#meta.put(settingPrefix + name, value);
      }
      for (let old = this.#floor + 1; old <= floor; old += 1) void this.#log.remove(old);
      void this.#meta.put('revision', transaction);
      void this.#meta.put('floor', floor);
      void this.#meta.put('kindRevisions', [...kindRevisions]);
    });
    await this.#root.flushed;
    for (const event of events) {
      if (event.type !== 'updated') this.#count(event.object.kind, event.type === 'created' ? 1 : -1);
    }
    this.#kindRevisions = kindRevisions;
    this.#floor = floor;
    this.#revision = transaction;
    this.#flushed.raise();
    return events;
  }

  /**
   * Every event after `since`, once and in order, in batches, until `signal` aborts or the store closes.
   * @throws REVISION_GONE at once or later, when the log no longer holds what is next.
   */
  async *watch(since: number, kinds: ReadonlySet<string> | null, signal?: AbortSignal): AsyncGenerator<ObjectEvent[], void, undefined> {
    let next = since + 1;
    while (!this.#closed && signal?.aborted !== true) {
      this.assertReachable(next - 1);
      const heard = this.#flushed.wait(signal);
      const end = Math.min(this.#revision, next + watchBatch - 1);
      const batch = next > end ? [] : this.#read(next, end, kinds);
      const caughtUp = end >= this.#revision;
      next = Math.max(next, end + 1);
      if (batch.length > 0) yield batch;
      if (caughtUp) await heard;
    }
  }

  /** The acknowledged changes after `since`, oldest first. */
  *history(since = this.#floor): Generator<LogEntry> {
    for (const { value } of this.#log.getRange({ start: since + 1, end: this.#revision + 1 })) yield this.#opened(value);
  }

  /** The acknowledged changes up to `until`, newest first. */
  *past(until = this.#revision): Generator<LogEntry> {
    const range = this.#log.getRange({ start: Math.min(until, this.#revision), end: this.#floor, reverse: true });
    for (const { value } of range) yield this.#opened(value);
  }

  /** Every change after this revision is still in the log. */
  get floor(): number {
    return this.#floor;
  }

  /** @throws REVISION_GONE when events after `since` are no longer, or not yet, in the log. */
  assertReachable(since: number): void {
    if (since >= this.#floor && since <= this.visibleRevision) return;
    throw fail(
      'REVISION_GONE',
      since > this.#revision
        ? `revision ${since} does not exist yet: the store is at ${this.#revision}`
        : `events after revision ${since} are gone: the log begins after ${this.#floor}`,
      'list the objects again and watch from the revision of that list',
    );
  }

  /** Keeps all changes from this revision on in the log, until told otherwise; null: as many as the setting says. */
  retainFrom(revision: number | null): void {
    this.#retained = revision;
  }

  /** A value of the kernel's own small settings. */
  setting<T>(name: string): T | undefined {
    return this.#meta.get(settingPrefix + name) as T | undefined;
  }

  /** Those whose names begin with `prefix`, by name. */
  settings<T>(prefix: string): Map<string, T> {
    const start = settingPrefix + prefix;
    const range = this.#meta.getRange({ start, end: `${start}~` });
    return new Map([...range].map(({ key, value }) => [key.slice(settingPrefix.length), value as T]));
  }

  /** Resolves once it is on disk. */
  async saveSetting(name: string, value: unknown): Promise<void> {
    await this.#meta.put(settingPrefix + name, value);
    await this.#root.flushed;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#flushed.raise();
    await this.#root.flushed;
    await this.#root.close();
  }

  #event(write: Write, revision: number): { event: ObjectEvent; before: WeftObject | null } {
    const key = write.op === 'put' ? keyOf(write.object) : write.key;
    const before = this.get(key);
    const object = write.op === 'put' ? write.object : before;
    if (object === undefined) throw fail('INTERNAL', `store: ${formatKey(key)} cannot be deleted: it does not exist`);
    const type = write.op === 'delete' ? 'deleted' : before === undefined ? 'created' : 'updated';
    return { event: { revision, type, object: { ...object, metadata: { ...object.metadata, revision } } }, before: before ?? null };
  }

  #read(first: number, last: number, kinds: ReadonlySet<string> | null): ObjectEvent[] {
    const events: ObjectEvent[] = [];
    for (const { value } of this.#log.getRange({ start: first, end: last + 1 })) {
      const { revision, type, object } = value;
      if (kinds === null || kinds.has(object.kind)) events.push({ revision, type, object: this.#open(object) });
    }
    return events;
  }

  #seal(object: WeftObject): WeftObject {
    return this.#sealer?.seal(object) ?? object;
  }

  #open(object: WeftObject): WeftObject {
    return this.#sealer?.open(object) ?? object;
  }

  #opened(entry: LogEntry): LogEntry {
    const { object, before } = entry;
    return { ...entry, object: this.#open(object), ...(before ? { before: this.#open(before) } : {}) };
  }

  #count(kind: string, by: number): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + by);
  }
}

function addressOf(key: ObjectKey): Address {
  return [key.kind, key.project ?? '', key.name];
}
