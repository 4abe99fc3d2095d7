/** One query in, one reply out: replies that are known, then local names, then upstreams. Knows nothing of frames and sockets. */
import type { DnsConfig } from './config.ts';
import { parseHeader, type Question } from './message/codec.ts';
import { rcodes } from './message/iana.ts';
import { nameKey } from './message/name.ts';
import { buildReply, buildTruncated, longestMessage, type Query, readQuery, udpLimit } from './reply.ts';
import { ReplyCache, type Source } from './reply-cache.ts';
import { dns64Of } from './resolver/dns64.ts';
import { withLocalDns64 } from './resolver/dns64-local.ts';
import type { QueryFlags } from './resolver/query.ts';
import type { Resolver } from './resolver/resolver.ts';
import { answerLocally, emptyResolution, type LocalResolution, type Resolution } from './zone/authority.ts';
import type { View } from './zone/directory.ts';
import { RecordOrder } from './zone/record-order.ts';

export interface AnswererCounters {
  /** Got no reply. */
  dropped: number;
  refused: number;
  local: number;
  upstream: number;
  /** Of `local` and `upstream`: told once more without looking. */
  repeated: number;
}

/** A query as it came in. */
export interface Asked {
  /** Read before the call returns. */
  readonly bytes: Buffer;
  /** Number of the port that asks. */
  readonly port: number;
  readonly view: View;
  readonly overTcp: boolean;
}

interface Host {
  readonly config: Pick<DnsConfig, 'negativeTtlSeconds' | 'recordOrder'>;
  readonly resolver: Pick<Resolver, 'resolve'>;
  /** Revision of the objects. */
  readonly serial: () => number;
  /** Milliseconds that only go forward. */
  readonly now: () => number;
}

const keptReplies = 8192;
/** What upstreams said counts its time to live down in seconds. */
const upstreamReplyMs = 1000;

/** A client that wants no recursion gets none: it could otherwise tell what others asked. */
const notRecursive = emptyResolution(rcodes.REFUSED);

export class Answerer {
  readonly counters: AnswererCounters = { dropped: 0, refused: 0, local: 0, upstream: 0, repeated: 0 };
  readonly #host: Host;
  readonly #replies = new ReplyCache(keptReplies);
  readonly #order = new RecordOrder(Math.random);

  constructor(host: Host) {
    this.#host = host;
  }

  /** The reply, at once where upstreams need not be asked; undefined for what gets none. Never throws, never rejects. */
  answer(asked: Asked): Buffer | Promise<Buffer> | undefined {
    const key = asked.overTcp ? undefined : this.#replies.key(asked.view, asked.bytes);
    const kept = key === undefined ? undefined : this.#replies.get(key, asked.bytes, this.#host.now());
    if (kept !== undefined) {
      this.counters.repeated += 1;
      this.counters[kept.source] += 1;
      return kept.bytes;
    }
    const read = readQuery(asked.bytes);
    if (read.kind === 'query') return this.#look(read.query, asked, key);
    this.counters[read.kind === 'drop' ? 'dropped' : 'refused'] += 1;
    return read.kind === 'drop' ? undefined : read.bytes;
  }

  /** For a port that asks too much: the reply that has it come by TCP, where it can wait. */
  putOff(bytes: Buffer): Buffer | undefined {
    const read = readQuery(bytes);
    return read.kind === 'query' ? buildTruncated(read.query) : undefined;
  }

  #look(query: Query, asked: Asked, key: string | undefined): Buffer | Promise<Buffer> {
    const local = this.#lookLocally(query, asked.view);
    if (query.message.recursionDesired && (local === undefined || local.outside !== undefined))
      return this.#recurse(query, asked, key, local);
    this.counters[local === undefined ? 'refused' : 'local'] += 1;
    return this.#tell(query, local ?? notRecursive, asked, key, 'local');
  }

  #lookLocally(query: Query, view: View): LocalResolution | undefined {
    const settings = { negativeTtlSeconds: this.#host.config.negativeTtlSeconds, serial: this.#host.serial() };
    const look = (question: Question) => answerLocally(question, view, settings);
    const prefix = dns64Of(view.resolver);
    return prefix === undefined ? look(query.question) : withLocalDns64(query.question, flagsOf(query), prefix, look);
  }

  #recurse(query: Query, asked: Asked, key: string | undefined, local: LocalResolution | undefined): Buffer | Promise<Buffer> {
    this.counters.upstream += 1;
    const flags = flagsOf(query);
    const question = local?.outside === undefined ? query.question : { ...query.question, name: local.outside };
    // Of what is asked only this outlives the call: the bytes do not.
    const { port, view, overTcp } = asked;
    const found = this.#host.resolver.resolve(question, flags, { port, network: view.network, spec: view.resolver });
    const tell = (said: Resolution) => this.#tell(query, behind(local, said), { view, overTcp }, key, 'upstream');
    return found instanceof Promise ? found.then(tell) : tell(found);
  }

  #tell(
    query: Query,
    said: Resolution,
    { view, overTcp }: Pick<Asked, 'view' | 'overTcp'>,
    key: string | undefined,
    source: Source,
  ): Buffer {
    const mode = view.resolver?.recordOrder ?? this.#host.config.recordOrder;
    const { name, type } = query.question;
    const answers =
      said.answers.length < 2 ? said.answers : this.#order.arrange(said.answers, mode, `${view.network} ${type} ${nameKey(name)}`);
    const limit = overTcp ? longestMessage : udpLimit(query.message, view.mtuBytes);
    const bytes = buildReply(query, answers === said.answers ? said : { ...said, answers }, limit);
    // Without its records a truncated reply has no order.
    const isOrdered = answers !== said.answers && !isTruncated(bytes);
    if (key !== undefined && !isOrdered && maySayAgain(said, source)) {
      this.#replies.put(key, { bytes, source }, source === 'local' ? Number.POSITIVE_INFINITY : this.#host.now() + upstreamReplyMs);
    }
    return bytes;
  }
}

function flagsOf({ message }: Query): QueryFlags {
  return { dnssecOk: message.edns?.dnssecOk ?? false, checkingDisabled: message.checkingDisabled };
}

/** What upstreams say, behind the local aliases that led there. */
function behind(local: LocalResolution | undefined, said: Resolution): Resolution {
  if (local === undefined || said.rcode === rcodes.SERVFAIL) return said;
  return { ...said, authoritative: true, authenticData: false, answers: [...local.answers, ...said.answers] };
}

const isTruncated = (bytes: Buffer): boolean => parseHeader(bytes)?.truncated === true;

/** Not names that do not exist, of which there are endlessly many; nor what may not be kept. */
function maySayAgain({ rcode, answers, authorities, truncated }: Resolution, source: Source): boolean {
  if (rcode !== rcodes.NOERROR || truncated || answers.length + authorities.length === 0) return false;
  return source === 'local' || [...answers, ...authorities].every(({ ttl }) => ttl > 0);
}
