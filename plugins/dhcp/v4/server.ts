/** Punts in, replies out: finds who asks, lets `answer` decide, remembers what was said. */
import {
  buildUdpFrame,
  gatewayMac,
  isIpv4,
  type Port,
  type PuntRecord,
  parseUdpFrame,
  replyTo,
  type UdpFrame,
  type VirtualNetwork,
} from '@weft/kernel/contract/net';
import { type ObjectKey, referencedKey } from '@weft/kernel/contract/system';
import { type PluginContext, PortIndex } from '@weft/kernel/sdk';
import type { DhcpConfig } from '../config.ts';
import { type LeaseItem, Ledger } from '../ledger.ts';
import { type Answer, answer, type SilenceCause } from './answer.ts';
import { type Assigned, assignmentOf } from './assignment.ts';
import { buildDhcp, type DhcpMessage, parseDhcp } from './codec.ts';
import { messageTypes, optionCodes, printable } from './option.ts';

const serverPort = 67;

export type Counter = SilenceCause | 'offer' | 'ack' | 'nak';
type Host = Pick<PluginContext<DhcpConfig>, 'config' | 'log' | 'objects' | 'punts'>;

export class DhcpServer {
  readonly #host: Host;
  readonly #now: () => number;
  readonly #ports = new PortIndex();
  readonly #ledger = new Ledger();
  readonly #counters = new Map<Counter, number>();

  /** `now`: milliseconds since 1970, for the ledger only. */
  constructor(host: Host, now: () => number = Date.now) {
    this.#host = host;
    this.#now = now;
  }

  /** Takes up what changed in the object cache. */
  refresh(changed: readonly ObjectKey[]): void {
    for (const key of changed) {
      if (key.kind !== 'Port') continue;
      const port = this.#host.objects.get<Port>(key);
      const before = this.#ports.put(key, port);
      if (before !== undefined && before.metadata.uid !== port?.metadata.uid) this.#ledger.forget(before.metadata.uid);
    }
  }

  handle(records: Iterable<PuntRecord>): void {
    const replies = [];
    for (const record of records) {
      const frame = this.#serve(record);
      if (frame !== undefined) replies.push(replyTo(record, frame));
    }
    if (replies.length > 0) this.#host.punts.inject(replies);
  }

  leases(project: string): readonly LeaseItem[] {
    return this.#ledger.list(project);
  }

  counters(): readonly { readonly name: Counter; readonly count: number }[] {
    return [...this.#counters].map(([name, count]) => ({ name, count })).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  #serve(record: PuntRecord): Buffer | undefined {
    const datagram = parseUdpFrame(record.frame);
    if (datagram === undefined || datagram.dstPort !== serverPort || !isIpv4(datagram.dst))
      return this.#ignore('malformed', record, 'no whole UDP datagram over IPv4 for port 67');
    const parsed = parseDhcp(datagram.payload);
    if (!parsed.ok) return this.#ignore('malformed', record, parsed.reason);
    const port = this.#ports.get(record.port);
    if (port === undefined) return this.#ignore('unknown-port', record, 'no Port object has this number');
    const assigned = this.#assigned(port);
    if (!assigned.ok) return this.#ignore('not-configured', record, assigned.reason);
    const { assignment } = assigned;
    const said = answer(parsed.message, assignment, this.#host.config, datagram.src);
    const leaseSeconds = said.kind === 'reply' && said.message.options.has(optionCodes.leaseTime) ? this.#host.config.leaseSeconds : 0;
    this.#ledger.record(port.metadata.uid, {
      assignment,
      ...(said.outcome === undefined ? {} : { outcome: said.outcome }),
      reason: said.reason,
      client: printable(parsed.message.options.get(optionCodes.vendorClass)),
      leaseSeconds,
      nowMs: this.#now(),
    });
    if (said.kind === 'silence') {
      if (said.outcome === 'declined') this.#host.log.warn({ port: assignment.port, project: assignment.project }, said.reason);
      return this.#ignore(said.count, record, said.reason);
    }
    return this.#frame(said, datagram, assignment.gateway);
  }

  #assigned(port: Port): Assigned {
    const network = this.#host.objects.get<VirtualNetwork>(referencedKey('VirtualNetwork', port.spec.network, port.metadata.project));
    if (network === undefined) return { ok: false, reason: `network ${port.spec.network} is not known` };
    return assignmentOf(port, network);
  }

  #frame(said: Answer & { kind: 'reply' }, asked: UdpFrame, gateway: string): Buffer {
    const { bytes, omitted } = buildDhcp(said.message, said.limit);
    this.#count(counterOf(said.message));
    if (omitted.length > 0) this.#host.log.debug({ omitted, limit: said.limit }, 'options left out: the client takes no longer message');
    return buildUdpFrame({
      srcMac: gatewayMac,
      dstMac: said.to.mac,
      ...(asked.vlan === undefined ? {} : { vlan: asked.vlan }),
      src: gateway,
      dst: said.to.address,
      srcPort: serverPort,
      dstPort: said.to.l4Port,
      payload: bytes,
    });
  }

  #ignore(cause: SilenceCause, record: PuntRecord, reason: string): undefined {
    this.#count(cause);
    this.#host.log.debug({ port: record.port, cause, reason }, 'not answered');
  }

  #count(name: Counter): void {
    this.#counters.set(name, (this.#counters.get(name) ?? 0) + 1);
  }
}

function counterOf(message: DhcpMessage): Counter {
  const type = message.options.get(optionCodes.messageType)?.readUInt8(0);
  if (type === messageTypes.offer) return 'offer';
  return type === messageTypes.ack ? 'ack' : 'nak';
}
