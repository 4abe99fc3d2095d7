/** The kernel as a plugin sees it: a store with a log, statuses, alarms. */
import type { CallContext, Handlers } from '../../bus/index.ts';
import {
  fail,
  formatKey,
  type KernelCalls,
  type KindSpec,
  keyOf,
  type ObjectEvent,
  type ObjectInput,
  type ObjectKey,
  type WeftObject,
} from '../../contract/system/index.ts';
import { makeObject } from './objects.ts';
import { assertStatus } from './status.ts';

const deletedAt = '2026-01-02T00:00:00.000Z';

type Alarm = Omit<KernelCalls['alarm.set']['in'], 'key'>;

export class FakeKernel {
  /** Statuses are held to the schemas of these. */
  kinds: readonly KindSpec[] = [];
  /** By `Kind/project/name`. */
  readonly objects = new Map<string, WeftObject>();
  /** Raised and not cleared, by key. */
  readonly alarms = new Map<string, Alarm>();
  /** What the plugin wrote by `context.apply`. */
  readonly applied: ObjectInput[] = [];
  /** Names of the plugins that are there, beside the one that is tested. */
  installed: readonly string[] = [];
  /** How often the plugin said hello and ready. */
  hellos = 0;
  readies = 0;
  revision = 0;
  /** Watches from before this revision answer REVISION_GONE: raise it to make the plugin list anew. */
  logFloor = 0;
  readonly #log: ObjectEvent[] = [];
  readonly #watchers = new Set<() => void>();

  /** Creates or changes an object; the plugin hears of it. Returns it as stored. */
  put<T extends WeftObject<object, object>>(object: T): T {
    const stored = object as unknown as WeftObject;
    const id = formatKey(keyOf(stored));
    this.revision += 1;
    const next = { ...stored, metadata: { ...stored.metadata, revision: this.revision } };
    const type = this.objects.has(id) ? 'updated' : 'created';
    this.objects.set(id, next);
    this.#record({ revision: this.revision, type, object: next });
    return next as unknown as T;
  }

  /** Deletes an object; one with finalizers stays until the plugin has taken its own off. The plugin hears of it. */
  remove(key: ObjectKey): void {
    const object = this.objects.get(formatKey(key));
    if (object === undefined) return;
    if ((object.metadata.finalizers ?? []).length > 0) {
      this.put({ ...object, metadata: { ...object.metadata, deletedAt } });
      return;
    }
    this.revision += 1;
    this.objects.delete(formatKey(key));
    this.#record({ revision: this.revision, type: 'deleted', object });
  }

  /** The status of an object as stored. */
  status(key: ObjectKey): Readonly<Record<string, unknown>> | undefined {
    return this.objects.get(formatKey(key))?.status;
  }

  handlers(): Handlers<KernelCalls> {
    return {
      hello: ({ name }) => {
        this.hellos += 1;
        return { revision: this.revision, installed: [...new Set([name, ...this.installed])] };
      },
      ready: () => {
        this.readies += 1;
        return {};
      },
      'objects.list': ({ kinds }) => ({
        revision: this.revision,
        objects: [...this.objects.values()].filter((object) => kinds.includes(object.kind)),
      }),
      'objects.watch': (input, context) => this.#watch(input, context),
      'objects.apply': (input) => this.#apply(input),
      'objects.status': ({ updates }) => {
        for (const { key, uid, status } of updates) if (this.#isThere(key, uid)) this.#mergeStatus(key, status);
        return { revision: this.revision };
      },
      'objects.finalize': ({ keys }) => {
        for (const { uid, ...key } of keys) if (this.#isThere(key, uid)) this.#finalize(key);
        return { revision: this.revision };
      },
      'alarm.set': ({ key, ...alarm }) => {
        this.alarms.set(key, alarm);
        return {};
      },
      'alarm.clear': ({ key }) => {
        this.alarms.delete(key);
        return {};
      },
    };
  }

  #record(event: ObjectEvent): void {
    this.#log.push(event);
    for (const wake of this.#watchers) wake();
  }

  async *#watch({ kinds, since }: { kinds: readonly string[]; since: number }, { signal }: CallContext): AsyncGenerator<ObjectEvent[]> {
    if (since < this.logFloor) throw fail('REVISION_GONE', `events after revision ${since} are gone`);
    let reached = since;
    while (!signal.aborted) {
      const batch = this.#log.filter((event) => event.revision > reached && kinds.includes(event.object.kind));
      reached = this.revision;
      if (batch.length > 0) yield batch;
      else await this.#next(signal);
    }
  }

  #next(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#watchers.delete(wake);
        resolve();
      };
      this.#watchers.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  #apply({ apply, delete: remove }: KernelCalls['objects.apply']['in']): { revision: number } {
    for (const input of apply) {
      this.applied.push(input);
      const made = makeObject(input.kind, input.metadata.name, input.spec ?? {}, { project: input.metadata.project ?? null });
      this.put(this.#changed(made));
    }
    for (const key of remove) this.remove(key);
    return { revision: this.revision };
  }

  #changed(made: WeftObject): WeftObject {
    const former = this.objects.get(formatKey(keyOf(made)));
    return former === undefined ? made : { ...former, spec: made.spec };
  }

  #isThere(key: ObjectKey, uid: string | undefined): boolean {
    const object = this.objects.get(formatKey(key));
    return object !== undefined && (uid === undefined || object.metadata.uid === uid);
  }

  #finalize(key: ObjectKey): void {
    const object = this.objects.get(formatKey(key));
    if (object?.metadata.deletedAt === undefined) return;
    this.objects.set(formatKey(key), { ...object, metadata: { ...object.metadata, finalizers: [] } });
    this.remove(key);
  }

  #mergeStatus(key: ObjectKey, status: Record<string, unknown>): void {
    const object = this.objects.get(formatKey(key));
    if (object === undefined) return;
    const merged = Object.fromEntries(Object.entries({ ...object.status, ...status }).filter(([, value]) => value !== null));
    assertStatus(this.kinds, key, merged, status);
    if (JSON.stringify(merged) !== JSON.stringify(object.status)) this.put({ ...object, status: merged });
  }
}
