/** Answers of the upstreams, kept for their time to live. Least recently used entries go first. Holds nothing of any tenant. */

import type { ResourceRecord } from '../message/codec.ts';
import { rcodes, recordTypes } from '../message/iana.ts';
import { soaMinimum } from '../message/rdata.ts';
import type { Resolution } from '../zone/authority.ts';

export interface CacheSettings {
  readonly entries: number;
  readonly minSeconds: number;
  readonly maxSeconds: number;
  readonly maxNegativeSeconds: number;
}

interface Entry {
  readonly resolution: Resolution;
  readonly storedAt: number;
  readonly lifetimeSeconds: number;
}

export class Cache {
  readonly #settings: CacheSettings;
  /** In order of use. */
  readonly #entries = new Map<string, Entry>();

  constructor(settings: CacheSettings) {
    this.#settings = settings;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** With the time to live that is left; undefined when there is none or it is over. */
  get(key: string, nowMs: number): Resolution | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    const age = Math.floor((nowMs - entry.storedAt) / 1000);
    if (age < 0 || age >= entry.lifetimeSeconds) return undefined;
    this.#entries.set(key, entry);
    const aged = (record: ResourceRecord): ResourceRecord => ({ ...record, ttl: Math.max(0, record.ttl - age) });
    return { ...entry.resolution, answers: entry.resolution.answers.map(aged), authorities: entry.resolution.authorities.map(aged) };
  }

  /** Keeps what may be kept and returns the resolution as it is to be told, its times to live within bounds. */
  put(key: string, resolution: Resolution, nowMs: number): Resolution {
    const lifetimeSeconds = this.#lifetime(resolution);
    if (lifetimeSeconds === undefined) return resolution;
    const { minSeconds, maxSeconds } = this.#settings;
    const negative = resolution.answers.length === 0;
    const bounded = (record: ResourceRecord): ResourceRecord => ({
      ...record,
      ttl: negative ? lifetimeSeconds : clamp(record.ttl, minSeconds, maxSeconds),
    });
    const told = { ...resolution, answers: resolution.answers.map(bounded), authorities: resolution.authorities.map(bounded) };
    if (lifetimeSeconds > 0) {
      this.#entries.delete(key);
      this.#entries.set(key, { resolution: told, storedAt: nowMs, lifetimeSeconds });
      const [oldest] = this.#entries.keys();
      if (this.#entries.size > this.#settings.entries && oldest !== undefined) this.#entries.delete(oldest);
    }
    return told;
  }

  /**
   * Only whole answers are kept. A negative one needs a SOA and lives for the lesser of its TTL and its minimum (RFC 2308 §5), at the end of a chain of
   * aliases (§2.1, §2.2) no longer than these.
   */
  #lifetime(resolution: Resolution): number | undefined {
    const { rcode, answers, authorities, truncated } = resolution;
    if (truncated || (rcode !== rcodes.NOERROR && rcode !== rcodes.NXDOMAIN)) return undefined;
    const { minSeconds, maxSeconds, maxNegativeSeconds } = this.#settings;
    const soa = authorities.find((record) => record.type === recordTypes.SOA);
    if (soa === undefined && (rcode === rcodes.NXDOMAIN || answers.length === 0)) return undefined;
    const negative = soa === undefined ? [] : [clamp(Math.min(soa.ttl, soaMinimum(soa.data)), 0, maxNegativeSeconds)];
    return Math.min(...negative, ...answers.map((record) => clamp(record.ttl, minSeconds, maxSeconds)));
  }
}

/** A TTL with its highest bit set counts as zero (RFC 2181 §8). */
function clamp(ttl: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, ttl > 0x7fff_ffff ? 0 : ttl));
}
