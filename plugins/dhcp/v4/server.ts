/** Punts in, replies out: finds who asks, lets `answer` decide, remembers what was said. */
import { buildUdpFrame, gatewayMac, isIpv4, type PuntRecord, parseUdpFrame, type UdpFrame } from '@weft/kernel/contract/net';
import type { PluginContext } from '@weft/kernel/sdk';
import { Assignments, type Client } from '../clients.ts';
import type { DhcpConfig } from '../config.ts';
import { replyToAll, type Server, type Shared, warnOfDecline } from '../server.ts';
import { type Answer, answer, type SilenceCause } from './answer.ts';
import { type Assignment, assignmentOf } from './assignment.ts';
import { buildDhcp, type DhcpMessage, parseDhcp } from './codec.ts';
import { messageTypes, optionCodes, printable } from './option.ts';

const serverPort = 67;

type Host = Pick<PluginContext<DhcpConfig>, 'config' | 'log' | 'punts'>;
type Reply = Answer & { readonly kind: 'reply' };

export class DhcpServer implements Server {
  readonly #host: Host;
  readonly #shared: Shared;
  readonly #assignments = new Assignments(assignmentOf);

  constructor(host: Host, shared: Shared) {
    this.#host = host;
    this.#shared = shared;
  }

  handle(records: Iterable<PuntRecord>): void {
    replyToAll(records, (record) => this.#serve(record), this.#host.punts);
  }

  #serve(record: PuntRecord): Buffer | undefined {
    const client = this.#shared.clients.get(record.port);
    const datagram = parseUdpFrame(record.frame);
    if (datagram === undefined || datagram.dstPort !== serverPort || !isIpv4(datagram.dst))
      return this.#ignore('malformed', record, client, 'no whole UDP datagram over IPv4 for port 67');
    const parsed = parseDhcp(datagram.payload);
    if (!parsed.ok) return this.#ignore('malformed', record, client, parsed.reason);
    if (client === undefined) return this.#ignore('unknown-port', record, client, 'no Port object has this number');
    const assigned = this.#assignments.of(client);
    if (!assigned.ok) return this.#ignore('not-configured', record, client, assigned.reason);
    const { assignment } = assigned;
    const said = answer(parsed.message, assignment, this.#host.config, datagram.src);
    if (said.kind === 'reply') return this.#reply(said, parsed.message, datagram, client, assignment);
    if (said.outcome === undefined) return this.#ignore(said.count, record, client, said.reason, assignment.address);
    return this.#note(said.outcome, said.reason, parsed.message, client, assignment.address);
  }

  #reply(said: Reply, request: DhcpMessage, asked: UdpFrame, client: Client, { address, gateway }: Assignment): Buffer {
    const { bytes, omitted } = buildDhcp(said.message, said.limit);
    const { options } = said.message;
    this.#shared.tally.count('dhcpv4', replyName(said.message));
    this.#shared.ledger.record(client.port, {
      family: 4,
      clientId: '',
      address,
      outcome: said.outcome,
      reason: said.reason,
      client: printable(request.options.get(optionCodes.vendorClass)),
      leaseSeconds: options.has(optionCodes.leaseTime) ? this.#host.config.leaseSeconds : 0,
      options: omitted.length === 0 ? [...options.keys()] : [...options.keys()].filter((code) => !omitted.includes(code)),
      omitted,
    });
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

  /** A message that is understood and asks for no reply. */
  #note(outcome: NonNullable<Answer['outcome']>, reason: string, request: DhcpMessage, { port }: Client, address: string): undefined {
    this.#shared.tally.count('dhcpv4', 'noted');
    const client = printable(request.options.get(optionCodes.vendorClass));
    this.#shared.ledger.record(port, { family: 4, clientId: '', address, outcome, reason, client, leaseSeconds: 0 });
    if (outcome === 'declined') warnOfDecline(this.#host.log, this.#shared.ledger, port, reason);
  }

  #ignore(cause: SilenceCause, record: PuntRecord, client: Client | undefined, reason: string, address = ''): undefined {
    this.#shared.tally.count('dhcpv4', cause);
    if (client !== undefined)
      this.#shared.ledger.record(client.port, { family: 4, clientId: '', address, reason, client: '', leaseSeconds: 0 });
    this.#host.log.debug({ port: record.port, cause, reason }, 'not answered');
  }
}

function replyName(message: DhcpMessage): 'offer' | 'ack' | 'nak' {
  const type = message.options.get(optionCodes.messageType)?.readUInt8(0);
  if (type === messageTypes.offer) return 'offer';
  return type === messageTypes.ack ? 'ack' : 'nak';
}
