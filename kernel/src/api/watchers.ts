/**
 * All who watch over HTTP, served in rounds: what a round has to say is made once and given to all who may see the same. Who does not take it is passed
 * over until he does, and then reads on from the log at his own pace; he holds one stretch of events at most.
 */
import { setTimeout as sleep, setImmediate as yieldToOthers } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { fail } from '../../contract/system/index.ts';
import { asyncFailpoint } from '../failpoints/index.ts';
import { type Identity, may } from '../rights/index.ts';
import type { ObjectStore } from '../store/index.ts';
import { type EventText, EventTexts, type Stretch } from './event-texts.ts';
import { projectOf } from './query.ts';
import { beginEvents, formatEvent, heartbeat, heartbeatMs } from './sse.ts';

export interface Wish {
  /** Null: all. */
  readonly kinds: ReadonlySet<string> | null;
  readonly project: string | undefined;
  /** Revision after which to begin. */
  readonly since: number;
}

interface Watcher {
  readonly raw: FastifyReply['raw'];
  readonly request: FastifyRequest;
  readonly wish: Wish;
  /** The same for all who wish the same. */
  readonly wishId: string;
  /** Everything up to here was sent, or was not for him. */
  reached: number;
  /** What he was sent last still lies in our own memory. */
  stuck: boolean;
  /** He was sent something since the last heartbeat. */
  busy: boolean;
}

/** Served in one turn; then others of the process have theirs. */
const atOnce = 200;
/** A shorter round needs no rest after it. */
const shortMs = 5;

export class Watchers {
  readonly #store: ObjectStore;
  readonly #texts: EventTexts;
  readonly #most: number;
  readonly #watchers = new Set<Watcher>();
  readonly #end = new AbortController();
  readonly #heart: NodeJS.Timeout;
  /** What of a stretch is to be sent, by rights and wish. */
  readonly #parts = new WeakMap<Stretch, Map<Identity['bindings'], Map<string, Buffer>>>();
  #running = false;
  #again = false;

  /** @param most who may watch at once */
  constructor(store: ObjectStore, most: number) {
    this.#store = store;
    this.#texts = new EventTexts(store);
    this.#most = most;
    this.#heart = setInterval(() => void this.#beat(), heartbeatMs).unref();
    void this.#follow();
  }

  get count(): number {
    return this.#watchers.size;
  }

  /** Takes the connection over. @throws REVISION_GONE; UNAVAILABLE when too many watch already */
  add(request: FastifyRequest, reply: FastifyReply, wish: Wish): void {
    if (this.#watchers.size >= this.#most)
      throw fail('UNAVAILABLE', `${this.#most} callers watch already`, 'end some of them, or raise the setting api.maxWatchers');
    this.#store.assertReachable(wish.since);
    const wishId = JSON.stringify([wish.kinds === null ? null : [...wish.kinds].sort(), wish.project]);
    const raw = beginEvents(request, reply);
    const watcher: Watcher = { raw, request, wish, wishId, reached: wish.since, stuck: false, busy: true };
    this.#watchers.add(watcher);
    raw.on('close', () => this.#watchers.delete(watcher));
    raw.on('drain', () => {
      watcher.stuck = false;
      if (this.#isBehind(watcher)) this.#wake();
    });
    if (this.#isBehind(watcher)) this.#wake();
  }

  close(): void {
    clearInterval(this.#heart);
    this.#end.abort();
    for (const { raw } of this.#watchers) raw.end();
  }

  async #follow(): Promise<void> {
    const { signal } = this.#end;
    for (let heard = this.#store.changed(signal); !signal.aborted; ) {
      await heard;
      // before the round looks: it misses nothing that is raised from here on
      heard = this.#store.changed(signal);
      if (this.#watchers.size > 0) this.#wake();
    }
  }

  #wake(): void {
    this.#again = true;
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#again && !this.#end.signal.aborted) {
      this.#again = false;
      const began = performance.now();
      await this.#round();
      const took = performance.now() - began;
      // half of the time is for others, however many changes there are
      if (took > shortMs) await sleep(took);
    }
    this.#running = false;
  }

  async #round(): Promise<void> {
    await asyncFailpoint('watch.before-batch');
    let served = 0;
    for (const watcher of this.#watchers) {
      if (!this.#isBehind(watcher)) continue;
      this.#give(watcher);
      if (this.#isBehind(watcher)) this.#again = true;
      served += 1;
      if (served % atOnce === 0) await yieldToOthers();
      if (this.#end.signal.aborted) return;
    }
    await asyncFailpoint('watch.after-batch');
  }

  #isBehind({ stuck, reached }: Watcher): boolean {
    return !stuck && reached < this.#store.revision;
  }

  /** The next stretch. What he may not have any more, or cannot have, ends his watch. */
  #give(watcher: Watcher): void {
    try {
      const { bindings } = watcher.request.renew();
      const stretch = this.#texts.after(watcher.reached);
      const part = this.#partOf(stretch, bindings, watcher);
      watcher.reached = stretch.until;
      if (part.length === 0) return;
      watcher.busy = true;
      watcher.stuck = !watcher.raw.write(part);
    } catch (thrown) {
      watcher.request.log.info({ err: thrown }, 'a watch ended with an error');
      this.#watchers.delete(watcher);
      watcher.raw.end(formatEvent({ event: 'error', data: watcher.request.problemOf(thrown) }));
    }
  }

  #partOf(stretch: Stretch, bindings: Identity['bindings'], { wish, wishId, request }: Watcher): Buffer {
    const byRights = this.#parts.get(stretch) ?? new Map<Identity['bindings'], Map<string, Buffer>>();
    this.#parts.set(stretch, byRights);
    const byWish = byRights.get(bindings) ?? new Map<string, Buffer>();
    byRights.set(bindings, byWish);
    const known = byWish.get(wishId);
    if (known !== undefined) return known;
    const texts = stretch.events.filter(({ key }) => isFor(key, wish, request.identity)).map(({ text }) => text);
    const part = Buffer.from(texts.join(''));
    byWish.set(wishId, part);
    return part;
  }

  async #beat(): Promise<void> {
    let sent = 0;
    for (const watcher of this.#watchers) {
      if (!watcher.busy && !watcher.stuck) {
        watcher.stuck = !watcher.raw.write(heartbeat);
        sent += 1;
        if (sent % atOnce === 0) await yieldToOthers();
      }
      watcher.busy = false;
    }
  }
}

function isFor(key: EventText['key'], { kinds, project }: Wish, identity: Identity): boolean {
  return (
    (kinds === null || kinds.has(key.kind)) &&
    (project === undefined || key.project === project) &&
    may(identity, 'watch', key.kind, projectOf(key))
  );
}
