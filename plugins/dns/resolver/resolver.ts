/** Names of the outside: the cache, joined questions, limits, stale answers, and the upstreams. */
import type { Question } from '../message/codec.ts';
import { rcodes } from '../message/iana.ts';
import { nameKey } from '../message/name.ts';
import { emptyResolution, type Resolution } from '../zone/authority.ts';
import type { ResolverAsker } from '../zone/directory.ts';
import { ListAsker, type ListSettings } from './ask-list.ts';
import { Asker } from './ask-one.ts';
import { Cache, type CacheSettings } from './cache.ts';
import type { CacheEntry } from './cache-entry.ts';
import type { Clock } from './clock.ts';
import { dns64Of } from './dns64.ts';
import { type Answering, withDns64 } from './dns64-lookup.ts';
import type { Transports } from './exchange.ts';
import { Fleet } from './fleet.ts';
import { type LimitSettings, Limits } from './limits.ts';
import { type Denied, type Partition, Partitions } from './partitions.ts';
import type { QueryFlags } from './query.ts';
import { toResolution } from './relevant.ts';
import type { Upstream } from './upstream.ts';

export interface ResolverSettings extends Omit<ListSettings, 'maxHedged'>, LimitSettings {
  readonly cache: CacheSettings;
  /** Which of the upstreams that networks name are not asked. */
  readonly denied?: Denied;
}

/** A question with all that finds it in the cache and among those under way. */
interface Asked {
  readonly key: string;
  readonly question: Question;
  readonly flags: QueryFlags;
  readonly network: string;
  readonly partition: Partition;
}

/** With a stale answer at hand clients wait no longer for a fresh one (RFC 8767 §5). */
const staleAfterMs = 1800;
/** Prefetches leave room for those who wait. */
const prefetchPart = 0.25;

export class Resolver {
  readonly fleet: Fleet;
  readonly #counters = { cacheHits: 0, cacheMisses: 0, staleAnswers: 0, prefetches: 0, failureHits: 0, joined: 0, overload: 0 };
  readonly #clock: Clock;
  readonly #cache: Cache;
  readonly #limits: Limits;
  readonly #list: ListAsker;
  readonly #partitions: Partitions;
  readonly #underWay = new Map<string, Promise<Resolution | undefined>>();

  constructor(settings: ResolverSettings, upstreams: () => readonly Upstream[], transports: Transports, clock: Clock) {
    this.#clock = clock;
    this.#cache = new Cache(settings.cache);
    this.#limits = new Limits(settings);
    this.fleet = new Fleet(transports, clock, settings.timeoutMs);
    const asker = new Asker(transports, clock, settings.timeoutMs);
    this.#list = new ListAsker({ ...settings, maxHedged: settings.maxInFlight }, asker, this.fleet, clock);
    this.#partitions = new Partitions(upstreams, settings.denied);
  }

  get counters(): Readonly<Record<string, number>> {
    return { ...this.#counters, ...this.#list.counters };
  }

  /** What the cache holds. */
  get held(): { readonly entries: number; readonly bytes: number } {
    return { entries: this.#cache.size, bytes: this.#cache.bytes };
  }

  /** An upstream came back: questions that failed may be asked again at once. */
  forgetFailures(): void {
    this.#cache.forgetFailures();
  }

  /**
   * The answer for who asks, at once when the cache has it; SERVFAIL when there is none or too much is under way. The same object may be given to
   * many: leave it as it is. Never rejects.
   */
  resolve(question: Question, flags: QueryFlags, asker: ResolverAsker): Answering {
    const prefix = dns64Of(asker.spec);
    if (prefix === undefined) return this.#lookUp(question, flags, asker);
    return withDns64(question, flags, prefix, (each) => this.#lookUp(each, flags, asker));
  }

  #lookUp(question: Question, flags: QueryFlags, { port, network, spec }: ResolverAsker): Answering {
    const partition = this.#partitions.of(network, spec);
    const key = keyOf(partition, question, flags);
    const now = this.#clock.now();
    const entry = this.#cache.find(key, now);
    const fresh = entry?.fresh(now);
    if (fresh !== undefined) {
      this.#counters.cacheHits += 1;
      if (entry?.wantsPrefetch(now)) this.#prefetch({ key, question, flags, network, partition });
      return fresh;
    }
    this.#counters.cacheMisses += 1;
    if (this.#cache.isFailing(entry, now)) {
      this.#counters.failureHits += 1;
      return this.#stale(entry, now) ?? serverFailure;
    }
    return this.#wait({ key, question, flags, network, partition }, port, entry);
  }

  async #wait(asked: Asked, port: number, entry: CacheEntry | undefined): Promise<Resolution> {
    const end = this.#limits.wait(port);
    const asking = end && this.#join(asked);
    if (asking === undefined) {
      end?.();
      this.#counters.overload += 1;
      return this.#stale(entry, this.#clock.now()) ?? serverFailure;
    }
    const hasStale = this.#cache.stale(entry, this.#clock.now()) !== undefined;
    const resolution = await (hasStale ? this.#atMost(asking, this.#patience(asked.partition)) : asking);
    end?.();
    return resolution ?? this.#stale(entry, this.#clock.now()) ?? serverFailure;
  }

  /** The question that is under way already, or a new one; undefined when there is no room for it. */
  #join(asked: Asked): Promise<Resolution | undefined> | undefined {
    const joined = this.#underWay.get(asked.key);
    if (joined !== undefined) {
      this.#counters.joined += 1;
      return joined;
    }
    const end = this.#limits.start(asked.network);
    return end && this.#start(asked, end);
  }

  #prefetch(asked: Asked): void {
    if (this.#underWay.has(asked.key)) return;
    const end = this.#limits.start(asked.network, prefetchPart);
    if (end === undefined) return;
    this.#counters.prefetches += 1;
    void this.#start(asked, end);
  }

  #start(asked: Asked, end: () => void): Promise<Resolution | undefined> {
    const asking = this.#ask(asked).finally(() => {
      this.#underWay.delete(asked.key);
      end();
    });
    this.#underWay.set(asked.key, asking);
    return asking;
  }

  /** Undefined: no upstream answered. */
  async #ask({ key, question, flags, network, partition }: Asked): Promise<Resolution | undefined> {
    const reply = await this.#list.ask(partition.upstreams(), question, flags);
    const now = this.#clock.now();
    if (reply !== undefined) return this.#cache.put(key, network, toResolution(reply, question, flags.dnssecOk), now);
    this.#cache.fail(key, network, now);
    return undefined;
  }

  #stale(entry: CacheEntry | undefined, now: number): Resolution | undefined {
    const stale = this.#cache.stale(entry, now);
    if (stale !== undefined) this.#counters.staleAnswers += 1;
    return stale;
  }

  /** Nobody waits for upstreams that are known not to answer. */
  #patience(partition: Partition): number {
    return this.fleet.ranked(partition.upstreams()).some((health) => health.usable) ? staleAfterMs : 0;
  }

  #atMost<T>(asking: Promise<T>, ms: number): Promise<T | undefined> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(ms, () => resolve(undefined));
      void asking.then((value) => {
        cancel();
        resolve(value);
      });
    });
  }
}

function keyOf({ id }: Partition, { type, class: recordClass, name }: Question, flags: QueryFlags): string {
  const bits = (flags.dnssecOk ? 2 : 0) + (flags.checkingDisabled ? 1 : 0);
  return `${id} ${type} ${recordClass} ${bits} ${nameKey(name)}`;
}

const serverFailure = emptyResolution(rcodes.SERVFAIL);
