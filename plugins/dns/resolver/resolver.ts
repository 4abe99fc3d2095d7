/** Names of the outside: cache, joined questions, and the upstreams in the order of their list. */
import { randomInt } from 'node:crypto';
import { buildDns, type DnsMessage, parseDns, type Question, type ResourceRecord } from '../message/codec.ts';
import { opcodes, rcodes, recordTypes } from '../message/iana.ts';
import { nameKey } from '../message/name.ts';
import { DnsFormatError } from '../message/wire.ts';
import type { Resolution } from '../zone/authority.ts';
import { Cache, type CacheSettings } from './cache.ts';
import type { Exchange, Upstream } from './upstream.ts';

export interface ResolverSettings {
  readonly timeoutMs: number;
  readonly rounds: number;
  /** Questions under way: of one port, and in all. */
  readonly maxPerPort: number;
  readonly maxInFlight: number;
  readonly cache: CacheSettings;
}

/** What of the asker's query an upstream must know. */
export interface QueryFlags {
  readonly dnssecOk: boolean;
  readonly checkingDisabled: boolean;
}

export interface ResolverCounters {
  cacheHits: number;
  cacheMisses: number;
  joined: number;
  upstreamQueries: number;
  upstreamFailures: number;
  /** Refused because too many questions were under way. */
  overload: number;
}

/** What we take from upstreams: no fragments on any common path (RFC 9715 §3.2). */
const ednsSize = 1232;

export class Resolver {
  readonly counters: ResolverCounters = { cacheHits: 0, cacheMisses: 0, joined: 0, upstreamQueries: 0, upstreamFailures: 0, overload: 0 };
  readonly #settings: ResolverSettings;
  readonly #upstreams: () => readonly Upstream[];
  readonly #exchange: Exchange;
  readonly #now: () => number;
  readonly #cache: Cache;
  readonly #inFlight = new Map<string, Promise<Resolution>>();
  readonly #waitingByPort = new Map<number, number>();

  constructor(settings: ResolverSettings, upstreams: () => readonly Upstream[], exchange: Exchange, now: () => number) {
    this.#settings = settings;
    this.#upstreams = upstreams;
    this.#exchange = exchange;
    this.#now = now;
    this.#cache = new Cache(settings.cache);
  }

  /** The answer for the asking port; SERVFAIL when no upstream gives one or too much is under way. Never rejects. */
  async resolve(question: Question, flags: QueryFlags, port: number): Promise<Resolution> {
    const key = `${question.type} ${question.class} ${flags.dnssecOk} ${flags.checkingDisabled} ${nameKey(question.name)}`;
    const cached = this.#cache.get(key, this.#now());
    if (cached !== undefined) {
      this.counters.cacheHits += 1;
      return cached;
    }
    this.counters.cacheMisses += 1;
    const waiting = this.#waitingByPort.get(port) ?? 0;
    const joined = this.#inFlight.get(key);
    if (waiting >= this.#settings.maxPerPort || (joined === undefined && this.#inFlight.size >= this.#settings.maxInFlight)) {
      this.counters.overload += 1;
      return serverFailure;
    }
    this.#waitingByPort.set(port, waiting + 1);
    try {
      if (joined === undefined) return await this.#start(key, question, flags);
      this.counters.joined += 1;
      return await joined;
    } finally {
      const left = (this.#waitingByPort.get(port) ?? 1) - 1;
      if (left === 0) this.#waitingByPort.delete(port);
      else this.#waitingByPort.set(port, left);
    }
  }

  async #start(key: string, question: Question, flags: QueryFlags): Promise<Resolution> {
    const asking = this.#ask(question, flags).then((resolution) => this.#cache.put(key, resolution, this.#now()));
    this.#inFlight.set(key, asking);
    try {
      return await asking;
    } finally {
      this.#inFlight.delete(key);
    }
  }

  /** An upstream that is late, unreachable, or answers with an error of its own is passed over for the next in the list. */
  async #ask(question: Question, flags: QueryFlags): Promise<Resolution> {
    for (let round = 0; round < this.#settings.rounds; round += 1) {
      for (const upstream of this.#upstreams()) {
        const reply = await this.#query(upstream, question, flags);
        if (reply !== undefined && (reply.rcode === rcodes.NOERROR || reply.rcode === rcodes.NXDOMAIN)) return toResolution(reply, flags);
        this.counters.upstreamFailures += 1;
      }
    }
    return serverFailure;
  }

  async #query(upstream: Upstream, question: Question, flags: QueryFlags): Promise<DnsMessage | undefined> {
    this.counters.upstreamQueries += 1;
    const id = randomInt(0x10000);
    const query = buildDns({
      id,
      response: false,
      opcode: opcodes.QUERY,
      authoritative: false,
      truncated: false,
      recursionDesired: true,
      recursionAvailable: false,
      authenticData: flags.dnssecOk,
      checkingDisabled: flags.checkingDisabled,
      rcode: rcodes.NOERROR,
      questions: [question],
      answers: [],
      authorities: [],
      additionals: [],
      edns: { size: ednsSize, version: 0, dnssecOk: flags.dnssecOk, options: Buffer.alloc(0) },
    });
    const reply = await this.#exchange(upstream, query, this.#settings.timeoutMs, (bytes) => acceptReply(bytes, id, question));
    return reply.ok ? reply.value : undefined;
  }
}

/** RFC 5452 §9.1: the same id and question, else it is somebody else's or forged; waiting goes on. */
export function acceptReply(bytes: Buffer, id: number, question: Question): DnsMessage | undefined {
  if (bytes.length < 2 || bytes.readUInt16BE(0) !== id) return undefined;
  try {
    const message = parseDns(Buffer.from(bytes));
    const [echoed] = message.questions;
    if (!message.response || message.opcode !== opcodes.QUERY || message.questions.length !== 1 || echoed === undefined) return undefined;
    const same = echoed.type === question.type && echoed.class === question.class && nameKey(echoed.name) === nameKey(question.name);
    return same ? message : undefined;
  } catch (error) {
    if (error instanceof DnsFormatError) return undefined;
    throw error;
  }
}

const serverFailure: Resolution = {
  rcode: rcodes.SERVFAIL,
  authoritative: false,
  answers: [],
  authorities: [],
  authenticData: false,
  truncated: false,
};

/** Authority records matter to the asker when they prove a negative answer or carry signatures. */
function toResolution(reply: DnsMessage, flags: QueryFlags): Resolution {
  const proof = (record: ResourceRecord): boolean => record.type === recordTypes.SOA || flags.dnssecOk;
  return {
    rcode: reply.rcode,
    authoritative: false,
    answers: reply.answers,
    authorities: reply.authorities.filter(proof),
    authenticData: reply.authenticData,
    truncated: reply.truncated,
  };
}
