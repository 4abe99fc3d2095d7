/** The plugin's copy of the objects that it may read. */
import { formatKey, keyOf, type ObjectEvent, type ObjectKey, type WeftObject } from '../contract/system/index.ts';
import type { ObjectCache } from './plugin.ts';

type Listener = (changed: readonly ObjectKey[]) => void | Promise<void>;
type Follower = (before: WeftObject | undefined, after: WeftObject | undefined) => void;

interface Subscription {
  readonly listener: Listener;
  pending: Map<string, ObjectKey>;
  running: boolean;
  closed: boolean;
}

export class Cache implements ObjectCache {
  readonly #kinds = new Map<string, Map<string, WeftObject>>();
  readonly #subscriptions = new Set<Subscription>();
  readonly #followers = new Set<Follower>();
  readonly #onError: (error: unknown) => void;
  #waiting: { revision: number; resolve: () => void }[] = [];
  #revision = 0;

  /** @param onError takes what a listener or a follower throws. */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  get revision(): number {
    return this.#revision;
  }

  get<T extends WeftObject<object, object> = WeftObject>(key: ObjectKey): T | undefined {
    return this.#kinds.get(key.kind)?.get(formatKey(key)) as unknown as T | undefined;
  }

  list<T extends WeftObject<object, object> = WeftObject>(kind: string, project?: string): readonly T[] {
    const all = [...(this.#kinds.get(kind)?.values() ?? [])] as unknown as T[];
    return project === undefined ? all : all.filter((object) => object.metadata.project === project);
  }

  onChange(listener: Listener): () => void {
    const subscription: Subscription = { listener, pending: new Map(), running: false, closed: false };
    for (const objects of this.#kinds.values()) for (const object of objects.values()) note(subscription, keyOf(object));
    this.#subscriptions.add(subscription);
    queueMicrotask(() => void this.#deliver(subscription));
    return () => {
      subscription.closed = true;
      this.#subscriptions.delete(subscription);
    };
  }

  follow(follower: Follower): () => void {
    for (const objects of this.#kinds.values()) for (const object of objects.values()) follower(undefined, object);
    this.#followers.add(follower);
    return () => void this.#followers.delete(follower);
  }

  /** Resolves once the cache has reached the revision. */
  reached(revision: number): Promise<void> {
    if (this.#revision >= revision) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ revision, resolve }));
  }

  /** The whole world anew, e.g. after the log no longer reached back. What differs from before counts as changed. */
  reset(objects: readonly WeftObject[], revision: number): void {
    const changed = new Map<string, ObjectKey>();
    const former = new Map([...this.#kinds.values()].flatMap((kind) => [...kind]));
    this.#kinds.clear();
    for (const object of objects) {
      const id = formatKey(keyOf(object));
      if (former.get(id)?.metadata.revision !== object.metadata.revision || former.get(id)?.metadata.uid !== object.metadata.uid)
        changed.set(id, keyOf(object));
      this.#put(object, former.get(id));
      former.delete(id);
    }
    for (const [id, object] of former) {
      changed.set(id, keyOf(object));
      this.#tell(object, undefined);
    }
    this.#advance(revision, [...changed.values()]);
  }

  /** Events in the order of their revisions; those already known are skipped. */
  apply(events: readonly ObjectEvent[]): void {
    const changed: ObjectKey[] = [];
    let revision = this.#revision;
    for (const event of events) {
      if (event.revision <= this.#revision) continue;
      revision = Math.max(revision, event.revision);
      const key = keyOf(event.object);
      const before = this.#kinds.get(key.kind)?.get(formatKey(key));
      if (event.type === 'deleted') this.#remove(key, before);
      else this.#put(event.object, before);
      changed.push(key);
    }
    this.#advance(revision, changed);
  }

  #put(object: WeftObject, before: WeftObject | undefined): void {
    const kind = this.#kinds.get(object.kind) ?? new Map<string, WeftObject>();
    this.#kinds.set(object.kind, kind);
    kind.set(formatKey(keyOf(object)), object);
    this.#tell(before, object);
  }

  #remove(key: ObjectKey, before: WeftObject | undefined): void {
    this.#kinds.get(key.kind)?.delete(formatKey(key));
    if (before !== undefined) this.#tell(before, undefined);
  }

  #tell(before: WeftObject | undefined, after: WeftObject | undefined): void {
    try {
      for (const follower of this.#followers) follower(before, after);
    } catch (thrown) {
      this.#onError(thrown);
    }
  }

  #advance(revision: number, changed: readonly ObjectKey[]): void {
    this.#revision = revision;
    const reached = this.#waiting.filter((waiter) => waiter.revision <= revision);
    this.#waiting = this.#waiting.filter((waiter) => waiter.revision > revision);
    for (const { resolve } of reached) resolve();
    if (changed.length === 0) return;
    for (const subscription of this.#subscriptions) {
      for (const key of changed) note(subscription, key);
      void this.#deliver(subscription);
    }
  }

  /** One call of a listener at a time; what changes meanwhile comes with the next one. */
  async #deliver(subscription: Subscription): Promise<void> {
    if (subscription.running) return;
    subscription.running = true;
    try {
      do {
        const keys = [...subscription.pending.values()];
        subscription.pending = new Map();
        await subscription.listener(keys);
      } while (subscription.pending.size > 0 && !subscription.closed);
    } catch (thrown) {
      this.#onError(thrown);
    } finally {
      subscription.running = false;
    }
  }
}

function note(subscription: Subscription, key: ObjectKey): void {
  subscription.pending.set(formatKey(key), key);
}
