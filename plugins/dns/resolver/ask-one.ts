/** One question to one upstream, with all that takes: TCP after truncation, no EDNS for old servers, no mixed case for those that do not keep it. */
import type { DnsMessage, Question } from '../message/codec.ts';
import { rcodes } from '../message/iana.ts';
import type { Clock } from './clock.ts';
import type { Exchanged, Transports } from './exchange.ts';
import type { Health } from './health.ts';
import { type Accepted, acceptReply, makeQuery, type QueryFlags } from './query.ts';

export type Asked =
  | { readonly ok: true; readonly message: DnsMessage }
  /** `silent`: it sent nothing at all. */
  | { readonly ok: false; readonly reason: string; readonly silent: boolean };

interface Manner {
  readonly tcp: boolean;
  readonly edns: boolean;
  readonly mixCase: boolean;
  /** Asked over TCP because the name came back in another case. */
  readonly caseInDoubt?: boolean;
}

/** First try, TCP, without EDNS, once more with TCP. */
const mostSteps = 4;

export class Asker {
  readonly #transports: Transports;
  readonly #clock: Clock;
  readonly #timeoutMs: number;

  constructor(transports: Transports, clock: Clock, timeoutMs: number) {
    this.#transports = transports;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** Each step may take the whole timeout. Never rejects. */
  async ask(health: Health, question: Question, flags: QueryFlags): Promise<Asked> {
    let manner: Manner | undefined = health.manner(this.#clock.now());
    let heard = false;
    let reason = '';
    for (let step = 0; manner !== undefined && step < mostSteps; step += 1) {
      const result = await this.#send(health, question, flags, manner);
      heard ||= result.ok;
      const next = nextManner(manner, result);
      if (next === undefined && result.ok && usable(manner, result.value)) {
        this.#learn(health, manner, result.value);
        return { ok: true, message: result.value.message };
      }
      reason = result.ok ? faultOf(manner, result.value) : result.reason;
      manner = next;
    }
    return { ok: false, reason, silent: !heard };
  }

  async #send(health: Health, question: Question, flags: QueryFlags, manner: Manner): Promise<Exchanged<Accepted>> {
    const query = makeQuery(question, flags, manner);
    const sentAt = this.#clock.now();
    health.sent += 1;
    if (manner.tcp) health.tcp += 1;
    const exchange = manner.tcp ? this.#transports.tcp : this.#transports.udp;
    const result = await exchange(health.upstream, query.bytes, this.#timeoutMs, (bytes) => acceptReply(bytes, query));
    if (!result.ok) return result;
    health.answered(this.#clock.now() - sentAt);
    if (result.value.message.truncated) health.truncated += 1;
    return result;
  }

  #learn(health: Health, manner: Manner, { message, keptCase }: Accepted): void {
    const now = this.#clock.now();
    const usual = health.manner(now);
    if (usual.edns && !manner.edns && isAnswer(message)) health.lacksEdns(now);
    if (usual.mixCase && !(manner.mixCase && keptCase)) health.losesCase(now);
  }
}

/** How the question is put once more to the same upstream; undefined: not at all. */
function nextManner(manner: Manner, result: Exchanged<Accepted>): Manner | undefined {
  // Over TCP nobody on the way but the upstream can have changed the case; where there is no TCP, the id and the port must do.
  if (!result.ok) return manner.caseInDoubt ? { tcp: false, edns: manner.edns, mixCase: false } : undefined;
  const { message, keptCase } = result.value;
  if (!manner.tcp && manner.mixCase && !keptCase) return { ...manner, tcp: true, caseInDoubt: true };
  if (!manner.tcp && message.truncated) return { ...manner, tcp: true };
  return manner.edns && refusesEdns(message) ? { ...manner, edns: false } : undefined;
}

/** Servers older than EDNS know no OPT, so they send none (RFC 6891 §7). */
function refusesEdns({ rcode, edns }: DnsMessage): boolean {
  return (rcode === rcodes.FORMERR || rcode === rcodes.NOTIMP) && edns === undefined;
}

function usable(manner: Manner, { message }: Accepted): boolean {
  return !(manner.tcp && message.truncated);
}

function faultOf(manner: Manner, { message }: Accepted): string {
  return manner.tcp && message.truncated ? 'truncated over TCP' : 'tried too often';
}

export function isAnswer({ rcode }: DnsMessage): boolean {
  return rcode === rcodes.NOERROR || rcode === rcodes.NXDOMAIN;
}
