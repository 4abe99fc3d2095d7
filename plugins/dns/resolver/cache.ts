/**
 * Answers of upstreams, kept for their time to live and, for when no upstream answers, a while longer (RFC 8767). Keys say whose upstreams gave them.
 * Bounded in entries and bytes; each network that asks has a share of its own, so that none drives out the answers of the others.
 */
import type { ResourceRecord } from '../message/codec.ts';
import type { Resolution } from '../zone/authority.ts';
import { CacheEntry } from './cache-entry.ts';
import { bounded, type LifetimeSettings, withRecords } from './lifetime.ts';

export interface CacheSettings extends LifetimeSettings {
  readonly entries: number;
  readonly bytes: number;
  /** How long ended answers are kept for when no upstream answers. */
  readonly staleSeconds: number;
  /** How long at most upstreams are spared a question that they could not answer. */
  readonly failureSeconds: number;
}

interface Share {
  /** In order of use. */
  readonly keys: Map<string, CacheEntry>;
  bytes: number;
}

/** How often the order of use is brought up to date by one entry. */
const touchMs = 1000;
/** What an entry and a record weigh beside their names and data: measured with 50,000 of them, told once, rounded up. */
const entryBytes = 800;
const recordBytes = 350;

export class Cache {
  readonly #settings: CacheSettings;
  readonly #entries = new Map<string, CacheEntry>();
  readonly #shares = new Map<string, Share>();
  #bytes = 0;
  /** Grows when an upstream came back: what failed before may be asked again. */
  #episode = 0;

  constructor(settings: CacheSettings) {
    this.#settings = settings;
  }

  get size(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  find(key: string, nowMs: number): CacheEntry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || nowMs - entry.usedAt < touchMs) return entry;
    entry.usedAt = nowMs;
    const share = this.#shares.get(entry.owner);
    share?.keys.delete(key);
    share?.keys.set(key, entry);
    return entry;
  }

  stale(entry: CacheEntry | undefined, nowMs: number): Resolution | undefined {
    return entry?.stale(nowMs, this.#settings.staleSeconds * 1000);
  }

  isFailing(entry: CacheEntry | undefined, nowMs: number): boolean {
    return entry?.isFailing(nowMs, this.#episode) === true;
  }

  /** Keeps what may be kept, on the account of the network `owner`, and returns the resolution as it is to be told, its times to live within bounds. */
  put(key: string, owner: string, resolution: Resolution, nowMs: number): Resolution {
    const { resolution: told, seconds } = bounded(resolution, this.#settings);
    if (seconds > 0) this.#store(key, new CacheEntry(owner, weigh(key, told), compact(told), nowMs, seconds), nowMs);
    else this.#drop(key);
    return told;
  }

  /** No upstream answered. What is there stays. */
  fail(key: string, owner: string, nowMs: number): void {
    let entry = this.#entries.get(key);
    if (entry === undefined || (entry.resolution !== undefined && this.stale(entry, nowMs) === undefined)) {
      entry = new CacheEntry(owner, weigh(key), undefined, nowMs, 0);
      this.#store(key, entry, nowMs);
    }
    entry.failed(nowMs, this.#settings.failureSeconds, this.#episode);
  }

  /** Upstreams may be asked again at once what they could not answer. */
  forgetFailures(): void {
    this.#episode += 1;
  }

  #store(key: string, entry: CacheEntry, nowMs: number): void {
    if (this.#settings.entries === 0 || entry.bytes > this.#settings.bytes) return;
    this.#drop(key);
    entry.usedAt = nowMs;
    this.#entries.set(key, entry);
    const share = this.#shares.get(entry.owner) ?? { keys: new Map(), bytes: 0 };
    this.#shares.set(entry.owner, share);
    share.keys.set(key, entry);
    share.bytes += entry.bytes;
    this.#bytes += entry.bytes;
    while (this.#entries.size > this.#settings.entries || this.#bytes > this.#settings.bytes) this.#makeRoom(share);
  }

  #drop(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
    const share = this.#shares.get(entry.owner);
    if (share === undefined) return;
    share.keys.delete(key);
    share.bytes -= entry.bytes;
    if (share.keys.size === 0) this.#shares.delete(entry.owner);
  }

  /** Who stores makes room when it has its share or more; else the largest does. */
  #makeRoom(storing: Share): void {
    const { entries, bytes } = this.#settings;
    const count = this.#shares.size;
    const weightOf = (share: Share): number => Math.max(share.keys.size / entries, share.bytes / bytes);
    let largest = storing;
    if (weightOf(storing) <= 1 / count) for (const share of this.#shares.values()) if (weightOf(share) > weightOf(largest)) largest = share;
    const [oldest] = largest.keys.keys();
    if (oldest !== undefined) this.#drop(oldest);
  }
}

function weigh(key: string, resolution?: Resolution): number {
  const records = resolution === undefined ? [] : [...resolution.answers, ...resolution.authorities];
  return records.reduce((sum, { name, data }) => sum + recordBytes + data.length + nameBytes(name), entryBytes + 2 * key.length);
}

const nameBytes = (name: readonly string[]): number => name.reduce((sum, label) => sum + 24 + label.length, 0);

/** The data of all records in memory of their own: small buffers share slabs with others, and would keep those. */
function compact(resolution: Resolution): Resolution {
  const records = [...resolution.answers, ...resolution.authorities];
  const memory = Buffer.allocUnsafeSlow(records.reduce((sum, { data }) => sum + data.length, 0));
  let end = 0;
  const moved = (record: ResourceRecord): ResourceRecord => {
    const from = end;
    end += record.data.copy(memory, from);
    return { ...record, data: memory.subarray(from, end) };
  };
  return withRecords(resolution, moved);
}
