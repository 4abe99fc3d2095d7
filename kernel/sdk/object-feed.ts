/** Fills a cache from the kernel and keeps it up to date: list, then watch; after a reconnect the watch resumes where it stopped. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Caller } from '../bus/index.ts';
import type { KernelCalls } from '../contract/system/calls.ts';
import { toWeftError } from '../contract/system/errors.ts';
import type { Cache } from './object-cache.ts';

const retryMs = 200;

export class ObjectFeed {
  readonly #kernel: Caller<KernelCalls>;
  readonly #kinds: readonly string[];
  readonly #cache: Cache;
  readonly #log: Logger;
  #listed = false;
  #following = false;

  constructor(kernel: Caller<KernelCalls>, kinds: readonly string[], cache: Cache, log: Logger) {
    this.#kernel = kernel;
    this.#kinds = kinds;
    this.#cache = cache;
    this.#log = log;
  }

  /** Resolves once the cache is filled; follows the watch from then on until the kernel goes away. Call it at each connection. */
  async connected(): Promise<void> {
    if (!this.#listed) await this.#list();
    void this.#follow();
  }

  async #list(): Promise<void> {
    if (this.#kinds.length === 0) return;
    const { objects, revision } = await this.#kernel.call('objects.list', { kinds: this.#kinds }, { deadlineMs: 30_000 });
    this.#cache.reset(objects, revision);
    this.#listed = true;
  }

  async #follow(): Promise<void> {
    if (this.#following || this.#kinds.length === 0) return;
    this.#following = true;
    for (let failures = 0; this.#kernel.connected; failures += 1) {
      // At once after a first failure: that is a reconnect.
      if (failures > 1) await sleep(retryMs);
      try {
        if (!this.#listed) await this.#list();
        const watch = this.#kernel.stream('objects.watch', { kinds: this.#kinds, since: this.#cache.revision });
        for await (const events of watch) {
          this.#cache.apply(events);
          failures = 0;
        }
      } catch (thrown) {
        const error = toWeftError(thrown);
        if (error.code === 'REVISION_GONE') this.#listed = false;
        this.#log.debug({ error }, 'the watch of objects ended');
      }
    }
    this.#following = false;
  }
}
