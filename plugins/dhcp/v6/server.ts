/** Punts in, replies out: finds who asks, lets `answer` decide, remembers what was said. */
import {
  buildUdpFrame,
  gatewayLinkLocal,
  gatewayMac,
  isIpv4,
  type PuntRecord,
  parseUdpFrame,
  type UdpFrame,
} from '@weft/kernel/contract/net';
import type { PluginContext } from '@weft/kernel/sdk';
import { Assignments, type Client } from '../clients.ts';
import type { DhcpConfig } from '../config.ts';
import type { Event } from '../ledger.ts';
import { replyToAll, type Server, type Shared, warnOfDecline } from '../server.ts';
import { printable } from '../v4/option.ts';
import { type Answer, answer } from './answer.ts';
import { type Assignment, assignmentOf } from './assignment.ts';
import { buildMessage, type Message, optionBytes, parseMessage } from './codec.ts';
import { messageTypes, type Option, optionCodes } from './option.ts';
import { type Hop, unwrap, wrap, wrapBytes } from './relay.ts';
import { fitting, wantedOptions } from './reply-options.ts';
import { type DiscardCause, longestDuid, type Request, readRequest } from './request.ts';

const clientPort = 546;
const serverPort = 547;
/** IPv6 and UDP header, and that of the message. */
const headersBytes = 48 + 4;
/** What every IPv6 link carries (RFC 8200 §5). */
const leastMtuBytes = 1280;

/** DUID-LL (§11.4) of the gateway's Ethernet address: the gateway is the same on all appliances, and so is its DHCP server. */
const serverDuid = Buffer.from(`00030001${gatewayMac.replaceAll(':', '')}`, 'hex');
const serverId: Option = [optionCodes.serverId, serverDuid];

/** Why a message went unanswered; each is a counter. */
type SilenceCause = DiscardCause | 'unicast' | 'unknown-port' | 'not-configured' | 'wrong-hardware-address' | 'nothing-to-say' | 'too-long';

type Host = Pick<PluginContext<DhcpConfig>, 'config' | 'log' | 'punts'>;
type Reply = Answer & { readonly kind: 'reply' };

/** Where a message came from. */
interface Asker {
  readonly record: PuntRecord;
  readonly datagram: UdpFrame;
  readonly message: Message;
  readonly hops: readonly Hop[];
}

export class Dhcp6Server implements Server {
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
    if (datagram === undefined || datagram.dstPort !== serverPort || isIpv4(datagram.dst) || !isUnicast(datagram.src))
      return this.#ignore('malformed', record, client, 'no whole UDP datagram over IPv6 for port 547');
    // RFC 9915 §18.4: clients speak to groups only.
    if (isUnicast(datagram.dst)) return this.#ignore('unicast', record, client, 'sent to one server instead of to all');
    const relayed = unwrap(datagram.payload);
    const message = relayed && parseMessage(relayed.message);
    if (relayed === undefined || message === undefined) return this.#ignore('malformed', record, client, 'message is cut short');
    const read = readRequest(message, serverDuid);
    if (!read.ok) return this.#ignore(read.cause, record, client, read.reason, nameOf(message));
    if (client === undefined) return this.#ignore('unknown-port', record, client, 'no Port object has this number');
    const assigned = this.#assignments.of(client);
    if (!assigned.ok) return this.#ignore('not-configured', record, client, assigned.reason, nameOf(message));
    const { assignment } = assigned;
    if (datagram.srcMac !== assignment.mac) {
      const reason = `hardware address ${datagram.srcMac} is not the port's (${assignment.mac})`;
      return this.#ignore('wrong-hardware-address', record, client, reason, nameOf(message));
    }
    const said = answer(read.request, assignment, this.#host.config);
    if (said.kind === 'silence') return this.#ignore('nothing-to-say', record, client, said.reason, nameOf(message));
    return this.#reply(said, read.request, { record, datagram, message, hops: relayed.hops }, client, assignment);
  }

  #reply(said: Reply, request: Request, from: Asker, client: Client, assignment: Assignment): Buffer | undefined {
    const { record, datagram: asked, message: question, hops } = from;
    const fixed = [...(request.clientId === undefined ? [] : [request.clientId]), serverId, ...said.options];
    const wanted = said.informs ? wantedOptions(request, assignment, this.#host.config) : [];
    const limit = Math.max(leastMtuBytes, assignment.mtuBytes) - headersBytes - wrapBytes(hops);
    const space = fixed.reduce((left, option) => left - optionBytes(option), limit);
    if (space < 0)
      return this.#ignore('too-long', record, client, 'a reply to all that the client asks for would not fit a packet', nameOf(question));
    const { taken, omitted } = fitting(wanted, space);
    const options = [...fixed, ...taken];
    const message = buildMessage({ type: said.type, transactionId: request.transactionId, options });
    this.#shared.tally.count('dhcpv6', said.type === messageTypes.advertise ? 'advertise' : 'reply');
    this.#note(said, request, client, { clientId: nameOf(question), options: options.map(([code]) => code), omitted });
    return buildUdpFrame({
      srcMac: gatewayMac,
      dstMac: asked.srcMac,
      ...(asked.vlan === undefined ? {} : { vlan: asked.vlan }),
      src: gatewayLinkLocal,
      dst: asked.src,
      srcPort: serverPort,
      dstPort: hops.length === 0 ? clientPort : serverPort,
      payload: wrap(hops, message),
    });
  }

  #note(said: Reply, request: Request, { port }: Client, more: Pick<Event, 'clientId' | 'options' | 'omitted'>): void {
    const { address, outcome, reason, leaseSeconds } = said;
    const event = { family: 6 as const, address, outcome, reason, leaseSeconds, ...more };
    this.#shared.ledger.record(port, { ...event, client: printable(request.vendorClass) });
    if (outcome === 'declined') warnOfDecline(this.#host.log, this.#shared.ledger, port, reason);
  }

  #ignore(cause: SilenceCause, record: PuntRecord, client: Client | undefined, reason: string, clientId = ''): undefined {
    this.#shared.tally.count('dhcpv6', cause);
    if (client !== undefined)
      this.#shared.ledger.record(client.port, { family: 6, clientId, address: '', reason, client: '', leaseSeconds: 0 });
    this.#host.log.debug({ port: record.port, cause, reason }, 'not answered');
  }
}

/** DUID and IAID of the client, in hexadecimal digits; empty without a DUID as it may be. */
function nameOf({ options }: Message): string {
  const duid = options.find(([code]) => code === optionCodes.clientId)?.[1];
  if (duid === undefined || duid.length > longestDuid) return '';
  const ia = options.find(([code, value]) => code === optionCodes.iaNa && value.length >= 4)?.[1];
  return `${duid.toString('hex')}${ia === undefined ? '' : `/${ia.readUInt32BE(0).toString(16)}`}`;
}

const isUnicast = (address: string): boolean => address !== '::' && !address.startsWith('ff');
