/**
 * What the server says: (request, assignment, settings) → reply or silence. Pure. RFC 2131 §4.3 for a server that knows exactly one address per client.
 * Needs no memory of earlier messages: each port has its address already, so every state of the client is told from its message alone (§4.3.2).
 */

import { readMac } from '@weft/kernel/contract/net';
import type { Outcome } from '../ledger.ts';
import type { Assignment } from './assignment.ts';
import { broadcastFlag, type DhcpMessage, noName, noAddress as none } from './codec.ts';
import { addresses, messageTypes, optionCodes, readAddress, text, uint8 } from './option.ts';
import { addLease, addNetworkOptions, bootFields } from './reply-options.ts';

export interface AnswerSettings {
  readonly leaseSeconds: number;
}

/** Where the reply goes (RFC 2131 §4.1). */
interface Destination {
  readonly mac: string;
  readonly address: string;
  readonly l4Port: number;
}

export type Answer =
  | {
      readonly kind: 'reply';
      readonly outcome: Outcome;
      readonly reason: string;
      readonly message: DhcpMessage;
      readonly to: Destination;
      readonly limit: number;
    }
  /** `outcome` is set when the message was understood and asks for no reply. */
  | { readonly kind: 'silence'; readonly outcome?: Outcome; readonly reason: string; readonly count: SilenceCause };

/** Why nothing was said; each is a counter. */
export type SilenceCause =
  | 'malformed'
  | 'unknown-port'
  | 'not-configured'
  | 'wrong-hardware-address'
  | 'not-a-request'
  | 'other-server'
  | 'noted';

const ethernet = 1;
const broadcast = '255.255.255.255';
const broadcastMac = 'ff:ff:ff:ff:ff:ff';
const serverPort = 67;
const clientPort = 68;
const headersBytes = 28;
/** What every client must be able to take: RFC 2131 §2, and the floor of option 57 (RFC 2132 §9.10). */
const minimumDatagramBytes = 576;

/** `source` is the IPv4 source address of the packet: the address of an INFORM that leaves ciaddr empty. */
export function answer(request: DhcpMessage, assignment: Assignment, settings: AnswerSettings, source: string): Answer {
  if (request.op !== 1) return silence('not-a-request', 'not a client message');
  if (request.htype !== ethernet || request.hlen !== 6 || readMac(request.chaddr, 0) !== assignment.mac) {
    return silence('wrong-hardware-address', `hardware address ${readMac(request.chaddr, 0)} is not the port's (${assignment.mac})`);
  }
  const type = request.options.get(optionCodes.messageType);
  switch (type?.length === 1 ? type.readUInt8(0) : 0) {
    case messageTypes.discover:
      return lease(request, assignment, settings, messageTypes.offer);
    case messageTypes.request:
      return answerRequest(request, assignment, settings);
    case messageTypes.inform:
      return answerInform(request, assignment, source);
    case messageTypes.decline:
      return note(request, assignment, 'declined', readAddress(request.options.get(optionCodes.requestedAddress)));
    case messageTypes.release:
      return note(request, assignment, 'released', request.ciaddr);
    default:
      return silence('not-a-request', 'message type is not one of a client');
  }
}

/** SELECTING names the server; INIT-REBOOT the address; RENEWING and REBINDING say it in ciaddr. Any other address than the port's is refused. */
function answerRequest(request: DhcpMessage, assignment: Assignment, settings: AnswerSettings): Answer {
  const other = otherServer(request, assignment);
  if (other !== undefined) return other;
  const requested = readAddress(request.options.get(optionCodes.requestedAddress));
  const wanted = [requested, request.ciaddr].filter((address) => address !== undefined && address !== none);
  if (wanted.length === 0) return silence('malformed', 'request names no address');
  const wrong = wanted.find((address) => address !== assignment.address);
  if (wrong !== undefined) return refuse(request, assignment, `${wrong} is not the address of this port`);
  return lease(request, assignment, settings, messageTypes.ack);
}

function lease(request: DhcpMessage, assignment: Assignment, settings: AnswerSettings, type: number): Answer {
  const options = identity(request, assignment, type);
  addLease(options, settings.leaseSeconds);
  addNetworkOptions(options, request, assignment);
  const acknowledged = type === messageTypes.ack;
  const given = { ciaddr: acknowledged ? request.ciaddr : none, yiaddr: assignment.address };
  const message = { ...blankReply(request), ...bootFields(assignment), ...given, options };
  return reply(request, assignment, acknowledged ? 'acknowledged' : 'offered', '', message, destination(request, assignment));
}

/** §4.3.5: parameters only; no yiaddr, no lease times; the address is the client's own business. */
function answerInform(request: DhcpMessage, assignment: Assignment, source: string): Answer {
  const address = request.ciaddr === none ? source : request.ciaddr;
  if (address === none) return silence('malformed', 'inform without an address');
  const options = identity(request, assignment, messageTypes.ack);
  addNetworkOptions(options, request, assignment);
  const message = { ...blankReply(request), ...bootFields(assignment), ciaddr: request.ciaddr, options };
  const to = request.giaddr === none ? { mac: assignment.mac, address, l4Port: clientPort } : destination(request, assignment);
  return reply(request, assignment, 'acknowledged', `parameters for ${address}`, message, to);
}

/** §4.1: a NAK is broadcast; through a relay it goes to the relay with the broadcast bit set (§4.3.2). */
function refuse(request: DhcpMessage, assignment: Assignment, reason: string): Answer {
  const options = identity(request, assignment, messageTypes.nak);
  options.set(optionCodes.message, text(reason));
  const relayed = request.giaddr !== none;
  const blank = blankReply(request);
  const message = { ...blank, flags: relayed ? blank.flags | broadcastFlag : blank.flags, options };
  const to = relayed ? destination(request, assignment) : { mac: broadcastMac, address: broadcast, l4Port: clientPort };
  return reply(request, assignment, 'refused', reason, message, to);
}

/** `about`: the address that the client is done with (table 5: option 50 of a decline, ciaddr of a release). A client that names none means its own. */
function note(request: DhcpMessage, assignment: Assignment, outcome: 'declined' | 'released', about = none): Answer {
  const other = otherServer(request, assignment);
  if (other !== undefined) return other;
  if (about !== none && about !== assignment.address)
    return silence('malformed', `${outcome} ${about}, which is not the address of this port`);
  const reason = outcome === 'declined' ? `client found ${assignment.address} in use` : 'client gave the address back';
  return { kind: 'silence', outcome, reason, count: 'noted' };
}

/** Silence when the client speaks to somebody else; undefined when it names this server or none. */
function otherServer(request: DhcpMessage, assignment: Assignment): Answer | undefined {
  const server = request.options.get(optionCodes.serverIdentifier);
  if (server === undefined || readAddress(server) === assignment.gateway) return undefined;
  return silence('other-server', `client chose server ${readAddress(server) ?? '(malformed)'}`);
}

/**
 * §4.1: to the relay; else to ciaddr; else broadcast when asked; else to the address just given, by hardware address. In every case the frame
 * leaves through the asking port only, so a VM that poses as a relay can misdirect nobody but itself.
 */
function destination(request: DhcpMessage, assignment: Assignment): Destination {
  const { mac } = assignment;
  if (request.giaddr !== none) return { mac, address: request.giaddr, l4Port: serverPort };
  if (request.ciaddr !== none) return { mac, address: request.ciaddr, l4Port: clientPort };
  if ((request.flags & broadcastFlag) !== 0) return { mac: broadcastMac, address: broadcast, l4Port: clientPort };
  return { mac, address: assignment.address, l4Port: clientPort };
}

/** Type, server identifier, and what must come back byte for byte: client identifier (RFC 6842 §3), relay agent information (RFC 3046 §2.2). */
function identity(request: DhcpMessage, assignment: Assignment, type: number): Map<number, Buffer> {
  const options = new Map([[optionCodes.messageType as number, uint8(type)]]);
  options.set(optionCodes.serverIdentifier, addresses([assignment.gateway]));
  const client = request.options.get(optionCodes.clientIdentifier);
  if (client !== undefined) options.set(optionCodes.clientIdentifier, client);
  const relay = request.giaddr === none ? undefined : request.options.get(optionCodes.relayAgentInformation);
  if (relay !== undefined) options.set(optionCodes.relayAgentInformation, relay);
  return options;
}

function blankReply(request: DhcpMessage): Omit<DhcpMessage, 'options'> {
  const { htype, hlen, xid, flags, giaddr, chaddr } = request;
  const nobody = { ciaddr: none, yiaddr: none, siaddr: none };
  return { op: 2, htype, hlen, hops: 0, xid, secs: 0, flags, ...nobody, giaddr, chaddr, sname: noName, file: noName };
}

function reply(
  request: DhcpMessage,
  assignment: Assignment,
  outcome: Outcome,
  reason: string,
  message: DhcpMessage,
  to: Destination,
): Answer {
  return { kind: 'reply', outcome, reason, message, to, limit: limitOf(request, assignment) };
}

/** Bytes of UDP payload that the client takes (option 57 counts the IP datagram) and the network carries. */
function limitOf(request: DhcpMessage, assignment: Assignment): number {
  const asked = request.options.get(optionCodes.maximumMessageSize);
  const taken = Math.max(minimumDatagramBytes, asked?.length === 2 ? asked.readUInt16BE(0) : 0);
  return Math.max(minimumDatagramBytes, Math.min(taken, assignment.mtuBytes)) - headersBytes;
}

function silence(count: SilenceCause, reason: string): Answer {
  return { kind: 'silence', reason, count };
}
