/** One question's place in the cache: its answer, fresh or stale, and how often it could not be answered since. */
import type { Resolution } from '../zone/authority.ts';
import { withRecords } from './lifetime.ts';

/** What a stale answer says (RFC 8767 §4). */
const staleTtlSeconds = 30;
/** With a stale answer at hand the upstreams are left alone for so long after a failure (RFC 8767 §5). */
const recheckMs = 30_000;
/** A prefetch is worth it for answers that live so long and were asked for so often, in the last tenth of their life. */
const prefetch = { leastSeconds: 10, leastHits: 3, part: 0.1 };

export class CacheEntry {
  readonly owner: string;
  readonly bytes: number;
  /** Undefined: there never was an answer. */
  readonly resolution: Resolution | undefined;
  usedAt = Number.NEGATIVE_INFINITY;
  #hits = 0;
  readonly #storedAt: number;
  readonly #expiresAt: number;
  #failures = 0;
  #failedUntil = Number.NEGATIVE_INFINITY;
  #failedIn = 0;
  /** What was told last: the same for a whole second. */
  #told: Resolution | undefined;
  #toldAge = -1;

  constructor(owner: string, bytes: number, resolution: Resolution | undefined, nowMs: number, seconds: number) {
    this.owner = owner;
    this.bytes = bytes;
    this.resolution = resolution;
    this.#storedAt = nowMs;
    this.#expiresAt = nowMs + seconds * 1000;
  }

  /** With the times to live that are left; undefined when they are over. */
  fresh(nowMs: number): Resolution | undefined {
    if (this.resolution === undefined || nowMs >= this.#expiresAt) return undefined;
    const age = Math.floor((nowMs - this.#storedAt) / 1000);
    this.#hits += 1;
    if (this.#told === undefined || this.#toldAge !== age) {
      this.#told = withRecords(this.resolution, (record) => ({ ...record, ttl: Math.max(0, record.ttl - age) }));
      this.#toldAge = age;
    }
    return this.#told;
  }

  /** Whether it is asked for often and about to end. */
  wantsPrefetch(nowMs: number): boolean {
    if (this.#hits < prefetch.leastHits) return false;
    const lifetimeMs = this.#expiresAt - this.#storedAt;
    return lifetimeMs >= prefetch.leastSeconds * 1000 && this.#expiresAt - nowMs < lifetimeMs * prefetch.part;
  }

  /** What it said before it ended; undefined when that is longer ago than `staleMs`. */
  stale(nowMs: number, staleMs: number): Resolution | undefined {
    if (this.resolution === undefined || nowMs >= this.#expiresAt + staleMs) return undefined;
    return withRecords(this.resolution, (record) => ({ ...record, ttl: staleTtlSeconds }));
  }

  /** The upstreams were asked in vain. Without a stale answer they are spared for 1, 2, 4 … seconds, `mostSeconds` at most (RFC 9520 §3.2). */
  failed(nowMs: number, mostSeconds: number, episode: number): void {
    const spareMs = this.resolution === undefined ? Math.min(2 ** Math.min(this.#failures, 10), mostSeconds) * 1000 : recheckMs;
    this.#failures += 1;
    this.#failedUntil = nowMs + spareMs;
    this.#failedIn = episode;
  }

  isFailing(nowMs: number, episode: number): boolean {
    return nowMs < this.#failedUntil && this.#failedIn === episode;
  }
}
