/** Punts in, replies out: tells who asks by the port, then local names, then upstreams. */
import { buildUdpFrame, gatewayMac, type PuntRecord, parseUdpFrame, replyTo, type UdpFrame } from '@weft/kernel/contract/net';
import type { ObjectKey } from '@weft/kernel/contract/system';
import type { PluginContext } from '@weft/kernel/sdk';
import type { DnsConfig } from './config.ts';
import { rcodes } from './message/iana.ts';
import { buildReply, type Query, readQuery } from './reply.ts';
import type { Resolver } from './resolver/resolver.ts';
import { answerLocally, type Resolution } from './zone/authority.ts';
import { Directory } from './zone/directory.ts';

const serverPort = 53;

type Host = Pick<PluginContext<DnsConfig>, 'config' | 'log' | 'objects' | 'punts'>;
type Route = Pick<PuntRecord, 'port' | 'generation' | 'flags' | 'vlan'>;

export class DnsServer {
  readonly #host: Host;
  readonly #resolver: Resolver;
  readonly #directory: Directory;
  readonly #counters = { queries: 0, dropped: 0, refused: 0, local: 0, upstream: 0 };

  constructor(host: Host, resolver: Resolver) {
    this.#host = host;
    this.#resolver = resolver;
    this.#directory = new Directory(host.objects);
  }

  /** Takes up what changed in the object cache. */
  refresh(changed: readonly ObjectKey[]): void {
    this.#directory.refresh(changed);
  }

  /** Local answers are injected before it returns; the promise is over when the upstreams' are, too. */
  async handle(records: Iterable<PuntRecord>): Promise<void> {
    const replies = [];
    const waiting = [];
    for (const record of records) {
      const reply = this.#serve(record);
      if (reply instanceof Promise) waiting.push(reply);
      else if (reply !== undefined) replies.push(reply);
    }
    if (replies.length > 0) this.#host.punts.inject(replies);
    await Promise.all(waiting);
  }

  counters(): readonly { readonly name: string; readonly count: number }[] {
    return Object.entries({ ...this.#counters, ...this.#resolver.counters }).map(([name, count]) => ({ name, count }));
  }

  #serve(record: PuntRecord): ReturnType<typeof replyTo> | Promise<void> | undefined {
    const datagram = parseUdpFrame(record.frame);
    if (datagram === undefined || datagram.dstPort !== serverPort || datagram.srcPort === 0)
      return this.#drop(record, 'no whole UDP datagram for port 53');
    this.#counters.queries += 1;
    const read = readQuery(datagram.payload);
    if (read.kind === 'drop') return this.#drop(record, read.reason);
    if (read.kind === 'reply') {
      this.#counters.refused += 1;
      return replyTo(record, frameOf(datagram, read.bytes));
    }
    const { query } = read;
    const view = this.#directory.view(record.port);
    if (view === undefined) return this.#drop(record, 'no Port object has this number');
    const { ttlSeconds, negativeTtlSeconds } = this.#host.config;
    const local = answerLocally(query.question, view, { ttlSeconds, negativeTtlSeconds, serial: this.#host.objects.revision });
    if (local !== undefined || !query.message.recursionDesired) {
      this.#counters.local += 1;
      return replyTo(record, frameOf(datagram, buildReply(query, local ?? notRecursive, view.mtuBytes)));
    }
    // Only what outlives the handler goes on: the frame's memory does not.
    const { port, generation, flags, vlan } = record;
    return this.#recurse(query, { ...datagram, payload: Buffer.alloc(0) }, { port, generation, flags, vlan }, view.mtuBytes);
  }

  async #recurse(query: Query, asked: UdpFrame, route: Route, mtuBytes: number): Promise<void> {
    this.#counters.upstream += 1;
    const { dnssecOk = false } = query.message.edns ?? {};
    const flags = { dnssecOk, checkingDisabled: query.message.checkingDisabled };
    const resolution = await this.#resolver.resolve(query.question, flags, route.port);
    this.#host.punts.inject([replyTo(route, frameOf(asked, buildReply(query, resolution, mtuBytes)))]);
  }

  #drop(record: PuntRecord, reason: string): undefined {
    this.#counters.dropped += 1;
    this.#host.log.debug({ port: record.port, reason }, 'not answered');
  }
}

/** A client that wants no recursion gets none: it could otherwise tell what others asked. */
const notRecursive: Resolution = {
  rcode: rcodes.REFUSED,
  authoritative: false,
  answers: [],
  authorities: [],
  authenticData: false,
  truncated: false,
};

/** The reply comes from where the query went (RFC 2181 §4.1). */
function frameOf(asked: UdpFrame, payload: Buffer): Buffer {
  return buildUdpFrame({
    srcMac: gatewayMac,
    dstMac: asked.srcMac,
    ...(asked.vlan === undefined ? {} : { vlan: asked.vlan }),
    src: asked.dst,
    dst: asked.src,
    srcPort: serverPort,
    dstPort: asked.srcPort,
    payload,
  });
}
