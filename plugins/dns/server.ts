/** DNS over UDP: punts in, frames out. Who asks is told by the port. */
import { type PuntRecord, replyTo } from '@weft/kernel/contract/net';
import type { PluginContext } from '@weft/kernel/sdk';
import type { Answerer } from './answerer.ts';
import { answerFrame, type Datagram, detached, readDatagram } from './datagram.ts';
import type { RateLimit } from './rate-limit.ts';
import { serverPort } from './service-rows.ts';
import type { Directory } from './zone/directory.ts';

interface Host {
  readonly log: Pick<PluginContext<unknown>['log'], 'debug'>;
  readonly punts: Pick<PluginContext<unknown>['punts'], 'inject'>;
  readonly directory: Pick<Directory, 'view'>;
  readonly answerer: Pick<Answerer, 'answer' | 'putOff'>;
  readonly limit: Pick<RateLimit, 'take' | 'putsOff'>;
  readonly now: () => number;
}

type Route = Pick<PuntRecord, 'port' | 'generation' | 'flags' | 'vlan'>;
type Injection = ReturnType<typeof replyTo>;

export class DnsServer {
  /** `dropped`: no question that could be answered. `limited`: beyond the port's rate; of these `putOff` were told to come by TCP. */
  readonly counters = { queries: 0, dropped: 0, limited: 0, putOff: 0 };
  readonly #host: Host;
  #late: Injection[] = [];

  constructor(host: Host) {
    this.#host = host;
  }

  /** Local answers are injected before it returns, those of upstreams when they are there. */
  handle(records: Iterable<PuntRecord>): void {
    const replies: Injection[] = [];
    for (const record of records) {
      const reply = this.#serve(record);
      if (reply !== undefined) replies.push(reply);
    }
    if (replies.length > 0) this.#host.punts.inject(replies);
  }

  #serve(record: PuntRecord): Injection | undefined {
    const read = readDatagram(record.frame);
    if (read === undefined || read.datagram.dstPort !== serverPort || read.datagram.srcPort === 0)
      return this.#drop(record, 'no whole UDP datagram for port 53');
    this.counters.queries += 1;
    const view = this.#host.directory.view(record.port);
    if (view === undefined) return this.#drop(record, 'no Port object has this number');
    const { datagram, payload } = read;
    const reply =
      this.#host.limit.take(record.port, this.#host.now()) > 0
        ? this.#putOff(record.port, payload)
        : this.#host.answerer.answer({ bytes: payload, port: record.port, view, overTcp: false });
    if (!(reply instanceof Promise)) return reply && replyTo(record, answerFrame(datagram, reply));
    // Only what outlives the handler goes on: the frame's memory does not.
    const { port, generation, flags, vlan } = record;
    void this.#later(reply, detached(datagram), { port, generation, flags, vlan });
    return undefined;
  }

  #putOff(port: number, payload: Buffer): Buffer | undefined {
    this.counters.limited += 1;
    if (!this.#host.limit.putsOff(port, this.#host.now())) return undefined;
    const reply = this.#host.answerer.putOff(payload);
    if (reply !== undefined) this.counters.putOff += 1;
    return reply;
  }

  /** What is ready in one turn leaves in one batch. */
  async #later(reply: Promise<Buffer>, asked: Datagram, route: Route): Promise<void> {
    const injection = replyTo(route, answerFrame(asked, await reply));
    this.#late.push(injection);
    if (this.#late.length > 1) return;
    setImmediate(() => {
      const ready = this.#late;
      this.#late = [];
      this.#host.punts.inject(ready);
    });
  }

  #drop(record: PuntRecord, reason: string): undefined {
    this.counters.dropped += 1;
    this.#host.log.debug({ port: record.port, reason }, 'not answered');
  }
}
