/**
 * One question to a list of upstreams: the next is asked when one fails, or when its answer takes long (the first good answer counts). Those that are
 * late are heard to the end, so that their health is known.
 */
import type { DnsMessage, Question } from '../message/codec.ts';
import { rcodes, recordTypes } from '../message/iana.ts';
import { type Asked, type Asker, isAnswer } from './ask-one.ts';
import type { Clock } from './clock.ts';
import type { Fleet } from './fleet.ts';
import type { Health } from './health.ts';
import type { QueryFlags } from './query.ts';
import type { Upstream } from './upstream.ts';

export interface ListSettings {
  readonly timeoutMs: number;
  /** How often the list is gone through. */
  readonly rounds: number;
  /** An upstream may take so long, or three times its usual time if that is more, before the next is asked as well. */
  readonly hedgeMs: number;
  /** With more questions under way than this, nobody is asked before another has failed. */
  readonly maxHedged: number;
}

export class ListAsker {
  readonly counters = { upstreamQueries: 0, upstreamFailures: 0, hedged: 0 };
  readonly #settings: ListSettings;
  readonly #asker: Asker;
  readonly #fleet: Fleet;
  readonly #clock: Clock;
  #underWay = 0;

  constructor(settings: ListSettings, asker: Asker, fleet: Fleet, clock: Clock) {
    this.#settings = settings;
    this.#asker = asker;
    this.#fleet = fleet;
    this.#clock = clock;
  }

  /** Undefined: no upstream gave an answer. Never rejects. */
  ask(list: readonly Upstream[], question: Question, flags: QueryFlags): Promise<DnsMessage | undefined> {
    const ranked = this.#fleet.ranked(list);
    const turns = Array.from({ length: this.#settings.rounds }, () => ranked).flat();
    /** What said that it cannot tell will say so again. */
    const unable = new Set<Health>();
    return new Promise((resolve) => {
      let done = false;
      let open = 0;
      let latest = 0;
      let cancel = (): void => undefined;
      const finish = (message: DnsMessage | undefined): void => {
        done = true;
        cancel();
        resolve(message);
      };
      const next = (hedging: boolean): void => {
        cancel();
        const health = turns.find((each) => !unable.has(each));
        if (health === undefined) {
          if (open === 0) finish(undefined);
          return;
        }
        turns.splice(0, turns.indexOf(health) + 1);
        if (hedging) this.counters.hedged += 1;
        open += 1;
        latest += 1;
        const turn = latest;
        cancel = this.#clock.after(this.#patience(health), () => {
          if (this.#underWay < this.#settings.maxHedged) next(true);
        });
        void this.#askOne(health, question, flags).then((asked) => {
          open -= 1;
          if (done) return;
          if (asked.ok && isGood(asked.message)) finish(asked.message);
          else {
            if (asked.ok) unable.add(health);
            if (turn === latest || open === 0) next(false);
          }
        });
      };
      next(false);
    });
  }

  async #askOne(health: Health, question: Question, flags: QueryFlags): Promise<Asked> {
    this.counters.upstreamQueries += 1;
    this.#underWay += 1;
    health.usedAt = this.#clock.now();
    const asked = await this.#asker.ask(health, question, flags);
    this.#underWay -= 1;
    const fault = asked.ok ? faultOf(asked.message) : asked.reason;
    if (fault !== undefined) this.counters.upstreamFailures += 1;
    this.#fleet.report(health, { silent: !asked.ok && asked.silent, ...(fault === undefined ? {} : { fault }) });
    return asked;
  }

  #patience({ rttMs = 0 }: Health): number {
    return Math.min(this.#settings.timeoutMs, Math.max(this.#settings.hedgeMs, 3 * rttMs));
  }
}

const isGood = (message: DnsMessage): boolean => faultOf(message) === undefined;

/** An error of its own, or a referral: it does not recurse for us. */
function faultOf(message: DnsMessage): string | undefined {
  if (!isAnswer(message)) return Object.entries(rcodes).find(([, code]) => code === message.rcode)?.[0] ?? `RCODE${message.rcode}`;
  const { rcode, answers, authorities } = message;
  const holds = (type: number): boolean => authorities.some((record) => record.type === type);
  const refers = rcode === rcodes.NOERROR && answers.length === 0 && holds(recordTypes.NS) && !holds(recordTypes.SOA);
  return refers ? 'referral' : undefined;
}
