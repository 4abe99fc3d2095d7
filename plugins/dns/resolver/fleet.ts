/** All upstreams that are in use, whoever uses them: their health is shared by address. Probes those that fell silent until they answer again. */
import type { Question } from '../message/codec.ts';
import { classes, recordTypes } from '../message/iana.ts';
import { root } from '../message/name.ts';
import type { Clock } from './clock.ts';
import type { Exchange, Transports } from './exchange.ts';
import { Health, type HealthState } from './health.ts';
import { acceptReply, makeQuery } from './query.ts';
import { formatUpstream, type Upstream } from './upstream.ts';

/** Unanswered questions in a row after which an upstream is probed and passed over meanwhile. */
const mostSilent = 2;
const firstBackoffMs = 1000;
const longestBackoffMs = 60_000;
/** One that nobody asked for so long is probed no more. */
const wantedMs = 600_000;
const mostUpstreams = 4096;
/** A question that no VM chose; any reply to it is a sign of life. */
const probeQuestion: Question = { name: root, type: recordTypes.NS, class: classes.IN };
const probeFlags = { dnssecOk: false, checkingDisabled: false };

export class Fleet {
  readonly #transports: Transports;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #health = new Map<string, Health>();
  readonly #timers = new Map<Health, () => void>();
  /** Those of the plugin's own list are probed for ever. */
  #kept: ReadonlySet<string> = new Set();
  #stopped = false;
  /** Called when the state of an upstream changes. */
  onState: (health: Health, before: HealthState) => void = () => undefined;

  constructor(transports: Transports, clock: Clock, timeoutMs: number) {
    this.#transports = transports;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  get size(): number {
    return this.#health.size;
  }

  /** What is known of an upstream. */
  of(upstream: Upstream): Health {
    const key = formatUpstream(upstream);
    const known = this.#health.get(key);
    if (known !== undefined) return known;
    const made = new Health(upstream);
    this.#health.set(key, made);
    if (this.#health.size > mostUpstreams) this.#forgetOne(made);
    return made;
  }

  keep(list: readonly Upstream[]): void {
    this.#kept = new Set(list.map(formatUpstream));
  }

  /** In the order of the list, those that answer first. */
  ranked(list: readonly Upstream[]): readonly Health[] {
    const all = list.map((upstream) => this.of(upstream));
    return [...all.filter((each) => each.usable), ...all.filter((each) => !each.usable)];
  }

  /** A question to it came to something, or to nothing (`silent`). */
  report(health: Health, outcome: { readonly silent: boolean; readonly fault?: string }): void {
    if (outcome.fault !== undefined) {
      health.failures += 1;
      health.lastError = outcome.fault;
    }
    if (!outcome.silent) {
      this.#alive(health);
      return;
    }
    health.silent += 1;
    if (health.silent < mostSilent || !health.usable || this.#stopped) return;
    this.#set(health, 'suspect');
    void this.#probe(health, firstBackoffMs);
  }

  stop(): void {
    this.#stopped = true;
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  #alive(health: Health): void {
    health.silent = 0;
    this.#timers.get(health)?.();
    this.#timers.delete(health);
    this.#set(health, 'up');
  }

  #set(health: Health, state: HealthState): void {
    const before = health.state;
    if (before === state) return;
    health.state = state;
    this.onState(health, before);
  }

  /** Over UDP, then over TCP: where only that is answered, questions go there, too. */
  async #probe(health: Health, backoffMs: number): Promise<void> {
    const { udp, tcp } = this.#transports;
    const overUdp = await this.#answers(health, udp);
    const overTcp = !overUdp && !this.#stopped && !health.usable && (await this.#answers(health, tcp));
    // It answered a question meanwhile.
    if (this.#stopped || health.usable) return;
    if (overTcp) health.answersTcpOnly(this.#clock.now());
    if (overUdp || overTcp) {
      this.#alive(health);
      return;
    }
    const wanted = this.#wanted(health);
    this.#set(health, wanted ? 'down' : 'unknown');
    if (!wanted) return;
    const wait = backoffMs * (0.75 + Math.random() / 2);
    const next = (): void => void this.#probe(health, Math.min(backoffMs * 2, longestBackoffMs));
    this.#timers.set(health, this.#clock.after(wait, next));
  }

  async #answers(health: Health, exchange: Exchange): Promise<boolean> {
    const query = makeQuery(probeQuestion, probeFlags, { edns: health.manner(this.#clock.now()).edns, mixCase: false });
    const sentAt = this.#clock.now();
    const result = await exchange(health.upstream, query.bytes, this.#timeoutMs, (bytes) => acceptReply(bytes, query));
    if (result.ok) health.answered(this.#clock.now() - sentAt);
    return result.ok;
  }

  #wanted(health: Health): boolean {
    return this.#clock.now() - health.usedAt < wantedMs || this.#kept.has(formatUpstream(health.upstream));
  }

  /** The one that was asked longest ago; not the new one, and none of the plugin's own. */
  #forgetOne(made: Health): void {
    let oldest: Health | undefined;
    for (const [key, health] of this.#health) {
      if (health === made || this.#kept.has(key) || health.usedAt >= (oldest?.usedAt ?? Number.POSITIVE_INFINITY)) continue;
      oldest = health;
    }
    if (oldest === undefined) return;
    this.#timers.get(oldest)?.();
    this.#timers.delete(oldest);
    this.#health.delete(formatUpstream(oldest.upstream));
  }
}
