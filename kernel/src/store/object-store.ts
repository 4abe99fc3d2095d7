/** Objects, their change log and the kernel's own settings in one LMDB environment. One writer: the kernel. */
import { setImmediate as breathe } from 'node:timers/promises';
import {
  fail,
  formatKey,
  keyOf,
  type ObjectEvent,
  type ObjectKey,
  toWeftError,
  type WeftFailure,
  type WeftObject,
} from '../../contract/system/index.ts';
import { asyncFailpoint, type FailpointName } from '../failpoints/index.ts';
import { closed, durably } from './durable.ts';
import {
  addressesOf,
  addressOf,
  type Environment,
  entriesIn,
  formatOf,
  formatVersion,
  openEnvironment,
  settingPrefix,
} from './environment.ts';
import type { LogEntry } from './log-entry.ts';
import { Notice } from './notice.ts';
import type { Sealer } from './sealer.ts';
import { Upkeep } from './upkeep.ts';

const defaultRetention = 100_000;
/** Events that one batch of a watch carries at most. */
const watchBatch = 500;

/** One object as it shall be; `metadata.revision` is set by the store. */
export type Write = { readonly op: 'put'; readonly object: WeftObject } | { readonly op: 'delete'; readonly key: ObjectKey };

/** Of names and projects. */
const longestName = 63;

export interface StoreOptions {
  /** Folder; made if missing. */
  readonly path: string;
  /** Events kept in the log. */
  readonly retention?: number;
  /** For kinds that must not lie readable on the disk. */
  readonly sealer?: Sealer;
  readonly now?: () => Date;
  /** Nobody knows any more whether the last change is on the disk: end the process, what is there tells only a new start. */
  readonly onBroken?: (failure: WeftFailure) => void;
}

export class ObjectStore {
  /** What is done to the store as a whole. */
  readonly upkeep: Upkeep;
  readonly #environment: Environment;
  readonly #retention: number;
  readonly #now: () => Date;
  readonly #onBroken: (failure: WeftFailure) => void;
  readonly #sealer: Sealer | undefined;
  readonly #counts = new Map<string, number>();
  #kindRevisions: Map<string, number>;
  readonly #flushed = new Notice();
  #revision: number;
  /** Every event above it is still in the log. */
  #floor: number;
  /** Below it lies what was restored: no watcher has seen it. */
  readonly #resumable: number;
  /** Entries of the log. Not always `revision - floor`: a restore leaves a gap. */
  #logged: number;
  /** Changes from this revision on stay in the log, whatever its length. */
  #retained: number | null = null;
  #committing = false;
  #broken: WeftFailure | null = null;
  #closed = false;

  constructor(options: StoreOptions) {
    this.#retention = options.retention ?? defaultRetention;
    this.#now = options.now ?? (() => new Date());
    this.#sealer = options.sealer;
    this.#onBroken = options.onBroken ?? (() => undefined);
    this.#environment = openEnvironment(options.path);
    const { meta, objects, log } = this.#environment;
    try {
      assertFormat(this.#environment);
    } catch (thrown) {
      void this.#environment.root.close();
      throw thrown;
    }
    this.#revision = (meta.get('revision') as number | undefined) ?? 0;
    this.#floor = (meta.get('floor') as number | undefined) ?? 0;
    this.#resumable = (meta.get('resumable') as number | undefined) ?? 0;
    this.#logged = entriesIn(log);
    this.#kindRevisions = new Map((meta.get('kindRevisions') as [string, number][] | undefined) ?? []);
    for (const [kind] of objects.getKeys()) this.#count(kind, 1);
    this.upkeep = new Upkeep(this.#environment, this.#sealer);
  }

  /** Revision of the last acknowledged change. */
  get revision(): number {
    return this.#revision;
  }

  /** Revision that reads show. Ahead of `revision` while a commit is on its way to the disk: a crash may still take it back. */
  get visibleRevision(): number {
    return (this.#environment.meta.get('revision') as number | undefined) ?? 0;
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
    if (isTooLong(key.name) || isTooLong(key.project)) return undefined;
    const object = this.#environment.objects.get(addressOf(key));
    return object === undefined ? undefined : this.#open(object);
  }

  /** All objects of a kind, of one project or of all, in the order of project and name. */
  list(kind: string, project?: string): WeftObject[] {
    if (isTooLong(project)) return [];
    return [...this.#environment.objects.getRange(addressesOf(kind, project)).map(({ value }) => this.#open(value))];
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
    const outdated = this.#outdated(writes.length);
    const floor = outdated.at(-1) ?? this.#floor;
    const kindRevisions = new Map(this.#kindRevisions);
    for (const { object, revision } of events) kindRevisions.set(object.kind, revision);
    const common = { subject, time: this.#now().toISOString(), transaction };
    const { log, meta } = this.#environment;
    await asyncFailpoint('store.before-write');
    await this.#durably(() => [
      ...entries.flatMap((entry) => this.#put(entry, common)),
      ...Object.entries(settings).map(([name, value]) =>
        value === undefined ? meta.remove(settingPrefix + name) : meta.put(settingPrefix + name, value),
      ),
      ...outdated.map((revision) => log.remove(revision)),
      meta.put('revision', transaction),
      meta.put('floor', floor),
      meta.put('kindRevisions', [...kindRevisions]),
    ]);
    await asyncFailpoint('store.after-sync');
    for (const event of events) {
      if (event.type !== 'updated') this.#count(event.object.kind, event.type === 'created' ? 1 : -1);
    }
    this.#kindRevisions = kindRevisions;
    this.#floor = floor;
    this.#logged += events.length - outdated.length;
    this.#revision = transaction;
    await asyncFailpoint('store.before-notice');
    this.#flushed.raise();
    return events;
  }

  /** A transaction that failed may be there all the same: then nothing more is written upon it. */
  async #durably(work: () => readonly Promise<unknown>[], beforeSync?: FailpointName): Promise<void> {
    if (this.#broken !== null) throw this.#broken;
    try {
      await durably(this.#environment, work, beforeSync);
    } catch (thrown) {
      const { code, message } = toWeftError(thrown);
      if (code !== 'INTERNAL' && this.visibleRevision === this.#revision) throw thrown;
      const fix = 'the kernel starts again by itself; look after the disk (dmesg)';
      this.#broken = fail('INTERNAL', `nobody knows whether the change is on the disk: ${message}`, fix);
      this.#onBroken(this.#broken);
      throw this.#broken;
    }
  }

  #put({ event, before }: Entry, common: Pick<LogEntry, 'subject' | 'time' | 'transaction'>): Promise<boolean>[] {
    const { objects, log } = this.#environment;
    const address = addressOf(keyOf(event.object));
    const object = this.#seal(event.object);
    const written = event.type === 'deleted' ? objects.remove(address) : objects.put(address, object);
    return [written, log.put(event.revision, { ...event, object, before: before === null ? null : this.#seal(before), ...common })];
  }

  /** Revisions that leave the log when so many join it, oldest first. */
  #outdated(joining: number): readonly number[] {
    const excess = this.#logged + joining - this.#retention;
    if (excess <= 0) return [];
    const keys = this.#environment.log.getKeys({ start: this.#floor + 1, limit: excess });
    return [...keys].filter((revision) => this.#retained === null || revision < this.#retained);
  }

  /**
   * Every event after `since`, once and in order, in batches, until `signal` aborts or the store closes.
   * @throws REVISION_GONE at once or later, when the log no longer holds what is next.
   */
  async *watch(
    since: number,
    kinds: ReadonlySet<string> | null,
    signal?: AbortSignal,
  ): AsyncGenerator<readonly ObjectEvent[], void, undefined> {
    let reached = since;
    while (!this.#closed && signal?.aborted !== true) {
      const heard = this.changed(signal);
      const { events, until } = this.eventsAfter(reached, kinds);
      reached = until;
      if (events.length > 0) {
        await asyncFailpoint('watch.before-batch');
        yield events;
      }
      if (reached >= this.#revision) await heard;
      // a reader that is far behind would keep all others waiting
      else await breathe();
    }
  }

  /**
   * The next acknowledged events after `since`: those of one batch.
   * @returns them, and the revision that they reach to: nothing of these kinds lies between
   * @throws REVISION_GONE
   */
  eventsAfter(since: number, kinds: ReadonlySet<string> | null, most = watchBatch): { events: ObjectEvent[]; until: number } {
    this.assertReachable(since);
    const entries = [...this.#environment.log.getRange({ start: since + 1, end: this.#revision + 1, limit: most })];
    const events = entries
      .filter(({ value }) => kinds === null || kinds.has(value.object.kind))
      .map(({ value: { revision, type, object } }) => ({ revision, type, object: this.#open(object) }));
    return { events, until: entries.length < most ? Math.max(since, this.#revision) : (entries.at(-1)?.key ?? since) };
  }

  /** Resolves at the next acknowledged change, when the store closes, or when `signal` aborts. */
  changed(signal?: AbortSignal): Promise<void> {
    return this.#flushed.wait(signal);
  }

  /** The acknowledged changes after `since`, oldest first. */
  *history(since = this.#floor): Generator<LogEntry> {
    for (const { value } of this.#environment.log.getRange({ start: since + 1, end: this.#revision + 1 })) yield this.#opened(value);
  }

  /** The acknowledged changes up to `until`, newest first. */
  *past(until = this.#revision): Generator<LogEntry> {
    const range = this.#environment.log.getRange({ start: Math.min(until, this.#revision), end: this.#floor, reverse: true });
    for (const { value } of range) yield this.#opened(value);
  }

  /** Every change after this revision is still in the log. */
  get floor(): number {
    return this.#floor;
  }

  /** @throws REVISION_GONE when events after `since` are no longer, or not yet, in the log, or are those of another past than the one that was restored. */
  assertReachable(since: number): void {
    if (since >= Math.max(this.#floor, this.#resumable) && since <= this.visibleRevision) return;
    const reason =
      since > this.#revision
        ? `revision ${since} does not exist yet: the store is at ${this.#revision}`
        : since >= this.#floor
          ? `events after revision ${since} are gone: a backup was restored since then`
          : `events after revision ${since} are gone: the log begins after ${this.#floor}`;
    throw fail('REVISION_GONE', reason, 'list the objects again and watch from the revision of that list');
  }

  /** @throws REVISION_GONE when the log does not hold every change after this revision. */
  assertLogged(since: number): void {
    if (since >= this.#floor && since <= this.#revision) return;
    throw fail(
      'REVISION_GONE',
      since > this.#revision
        ? `revision ${since} does not exist yet: the store is at ${this.#revision}`
        : `the changes after revision ${since} are gone: the log begins after ${this.#floor}`,
      'choose a revision of the history: weft history',
    );
  }

  /** Keeps all changes from this revision on in the log, until told otherwise; null: as many as the setting says. */
  retainFrom(revision: number | null): void {
    this.#retained = revision;
  }

  /** A value of the kernel's own small settings. */
  setting<T>(name: string): T | undefined {
    return this.#environment.meta.get(settingPrefix + name) as T | undefined;
  }

  /** Those whose names begin with `prefix`, by name. */
  settings<T>(prefix: string): Map<string, T> {
    const start = settingPrefix + prefix;
    const range = this.#environment.meta.getRange({ start, end: `${start}~` });
    return new Map([...range].map(({ key, value }) => [key.slice(settingPrefix.length), value as T]));
  }

  /** Resolves once it is on disk. */
  async saveSetting(name: string, value: unknown): Promise<void> {
    await asyncFailpoint('store.before-setting');
    const { meta } = this.#environment;
    await this.#durably(() => [meta.put(settingPrefix + name, value)], 'store.before-setting-sync');
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#flushed.raise();
    await closed(this.#environment);
  }

  #event(write: Write, revision: number): Entry {
    const key = write.op === 'put' ? keyOf(write.object) : write.key;
    const before = this.get(key);
    const object = write.op === 'put' ? write.object : before;
    if (object === undefined) throw fail('INTERNAL', `store: ${formatKey(key)} cannot be deleted: it does not exist`);
    const type = write.op === 'delete' ? 'deleted' : before === undefined ? 'created' : 'updated';
    return { event: { revision, type, object: { ...object, metadata: { ...object.metadata, revision } } }, before: before ?? null };
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

interface Entry {
  readonly event: ObjectEvent;
  readonly before: WeftObject | null;
}

/** @throws INTERNAL for a format that is not this program's; a new store gets it */
function assertFormat(environment: Environment): void {
  const format = formatOf(environment);
  if (format === null) environment.meta.putSync('format', formatVersion);
  else if (format !== formatVersion)
    throw fail('INTERNAL', `the store in ${environment.path} has format ${format} and was not migrated`, 'start it with: weft up');
}

/** Nothing is called so, and it would not fit into a key: somebody has made a reference of a text. */
function isTooLong(name: string | undefined): boolean {
  return name !== undefined && name.length > longestName;
}
