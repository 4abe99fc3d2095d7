/** Flows as lines for people: one for each port of this appliance that a flow goes through. Pure. */
import { type Flow, flowSeenAt, isIcmp, packetText, protocolName, type RuleName } from '@weft/kernel/contract/net';
import type { OperationCall } from '@weft/kernel/sdk';
import { type Static, Type } from 'typebox';
import { inProject, type Link, linkFields, nameFor, sees } from './links.ts';

const count = (description: string) => Type.Integer({ description });
const rule = (description: string) =>
  Type.Optional(
    Type.Object(
      { group: Type.String({ description: 'PROJECT/NAME of its group.' }), number: count('Of the rule in its group.') },
      { description },
    ),
  );

export const flowLine = Type.Object({
  event: Type.Optional(Type.String({ description: 'With follow: began, ended, or denied: the rules dropped a packet of it.' })),
  time: Type.Optional(Type.String({ description: 'With follow: when it happened, RFC 3339.', format: 'date-time' })),
  ...linkFields,
  peer: Type.Optional(Type.String({ description: 'PROJECT/NAME of the port at the other end, or uplink NAME, where there is one.' })),
  direction: Type.String({ description: 'egress: its first packet came from the port; ingress: it went to the port.' }),
  protocol: Type.String({ description: 'Name of the protocol, or its IANA number.' }),
  what: Type.String({ description: 'What rules are asked about, in their words: tcp 443, icmp type 8.' }),
  src: Type.String({ description: 'Source address of the first packet.' }),
  dst: Type.String({ description: 'Destination address of the first packet.' }),
  srcPort: count('Source port; ICMP: identifier.'),
  dstPort: count('Destination port; ICMP: type × 256 + code.'),
  nat: Type.Optional(
    Type.Object(
      {
        src: Type.String({ description: 'Source address.' }),
        srcPort: count('Source port; ICMP: identifier.'),
        dst: Type.String({ description: 'Destination address.' }),
        dstPort: count('Destination port; ICMP: as above.'),
      },
      { description: 'What the packets of the first direction are translated into as they leave, if they are.' },
    ),
  ),
  icmpType: Type.Optional(count('ICMP: type of the first packet.')),
  icmpCode: Type.Optional(count('ICMP: code of the first packet.')),
  state: Type.String({
    description:
      'opening: no answer yet, or a TCP handshake that is not complete; established; closing, closed: by one side of TCP, by both.',
  }),
  action: Type.String({ description: 'allow or deny: what the rules say of it.' }),
  rule: rule('What decided at the port.'),
  peerRule: rule('What decided at the other end.'),
  packets: count('Packets in the direction of the first one.'),
  bytes: count('Bytes of IP in them.'),
  replyPackets: count('Packets in the other direction.'),
  replyBytes: count('Bytes of IP in them.'),
  ageMs: count('Milliseconds since the first packet.'),
  idleMs: count('Milliseconds since the last packet.'),
  lastDrop: Type.Optional(Type.String({ description: 'Why the last packet of it that was dropped was dropped.' })),
  lost: Type.Optional(count('With follow: events of all ports, before this one, that were too many to be told.')),
});
export type FlowLine = Static<typeof flowLine>;

/** What numbers in flows mean for the caller. */
export interface FlowNames {
  readonly call: OperationCall;
  /** By number and generation: an end whose port is another one by now has no name. */
  link(port: number, generation: number): Link | undefined;
  group(number: number): string;
}

/** @param only number of the only port to tell of */
export function linesOf(flow: Flow, names: FlowNames, only?: number): readonly FlowLine[] {
  const { call } = names;
  const [from, to] = [names.link(flow.fromPort, flow.fromGeneration), names.link(flow.toPort, flow.toGeneration)];
  const ends = [
    { id: flow.fromPort, at: from, other: to, otherId: flow.toPort, direction: 'egress', own: flow.egressRule, others: flow.ingressRule },
    { id: flow.toPort, at: to, other: from, otherId: flow.fromPort, direction: 'ingress', own: flow.ingressRule, others: flow.egressRule },
  ] as const;
  return ends.flatMap(({ id, at, other, otherId, direction, own, others }) => {
    if (at === undefined || (only === undefined ? !inProject(at.project, call.project) : id !== only)) return [];
    const ruleOf = (name: RuleName | undefined) => name && { group: names.group(name.group), number: name.number };
    return [
      given({
        ...at,
        peer: other && nameFor(call, other.project, other.port, other.kind),
        direction,
        ...factsOf(seenFlow(flow, direction, otherId === 0 || sees(call, other))),
        rule: ruleOf(own),
        peerRule: ruleOf(others),
      }),
    ];
  });
}

/** Addresses inside of another project are nobody else's business: without the right to see it, a flow is what the wire of the own port has. */
export function seenFlow(flow: Flow, direction: 'egress' | 'ingress', seesPeer: boolean): Flow {
  if (flow.nat === undefined || seesPeer) return flow;
  if (direction === 'ingress') return flowSeenAt(flow, direction);
  return { ...flow, nat: { ...flow.nat, dst: flow.dst, dstPort: flow.dstPort } };
}

function factsOf(flow: Flow) {
  const { event, timeMs, protocol, src, dst, srcPort, dstPort, state, action, packets, bytes, replyPackets, replyBytes, lastDrop } = flow;
  return {
    ...(event === 'listed' ? {} : { event, time: new Date(timeMs).toISOString() }),
    protocol: protocolName(protocol),
    what: packetText(protocol, dstPort),
    ...{ src, dst, srcPort, dstPort, nat: flow.nat },
    ...(isIcmp(protocol) ? { icmpType: dstPort >> 8, icmpCode: dstPort & 255 } : {}),
    ...{ state, action, packets, bytes, replyPackets, replyBytes, ageMs: flow.ageMs, idleMs: flow.idleMs, lastDrop },
  };
}

/** Without the fields that are undefined. */
function given<T extends object>(fields: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
