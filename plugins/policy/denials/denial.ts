/** A packet that rules denied, in the words that traces use. Pure. */
import {
  type AskedEnd,
  deniedAt,
  deniedText,
  dropReasons,
  type Flow,
  flowSeenAt,
  followsGroups,
  isIcmp,
  type Port,
  protocolHasPorts,
  protocolName,
} from '@weft/kernel/contract/net';
import { type Static, Type } from 'typebox';
import { groupsOf } from '../compile/names.ts';

const l4Port = (description: string) => Type.Optional(Type.Integer({ description, minimum: 0, maximum: 65_535 }));

export const denialSchema = Type.Object({
  time: Type.String({ description: 'When it was dropped, RFC 3339.', format: 'date-time' }),
  project: Type.String({ description: 'Project of the port.' }),
  port: Type.String({ description: 'Name of the Port whose rules denied it.' }),
  direction: Type.Enum(['ingress', 'egress'], { description: 'ingress: it was sent to the port. egress: by the port.' }),
  protocol: Type.String({ description: 'Name of the protocol, or its IANA number.' }),
  src: Type.String({ description: 'Source address.' }),
  srcPort: l4Port('Source port, of protocols with ports.'),
  dst: Type.String({ description: 'Destination address.' }),
  dstPort: l4Port('Destination port, of protocols with ports.'),
  icmpType: Type.Optional(Type.Integer({ description: 'Type of the message, of ICMP and ICMPv6.' })),
  icmpCode: Type.Optional(Type.Integer({ description: 'Its code.' })),
  reason: Type.String({ description: 'Name of the drop reason, as in weft drops.' }),
  text: Type.String({ description: 'What was asked, and what it said, as in weft trace.' }),
  groups: Type.Array(Type.String(), { description: 'The groups that the port follows.' }),
  lost: Type.Optional(Type.Integer({ description: 'Denials of all ports, before this one, that were too many to be told.' })),
});
export type Denial = Static<typeof denialSchema>;

const denied = 'policy-denied';

/** @param portOf the port with a number; undefined when its object is gone: then nobody is left to be told, either */
export function denialOf(flow: Flow, portOf: (id: number) => Port | undefined): Denial | undefined {
  const from = portOf(flow.fromPort);
  const direction = deniedAt(flow, from !== undefined && followsGroups(from));
  const port = direction === 'egress' ? from : portOf(flow.toPort);
  if (port === undefined) return undefined;
  const { name, project = '' } = port.metadata;
  const groups = groupsOf(port);
  const reason = flow.lastDrop ?? denied;
  const seen = flowSeenAt(flow, direction);
  return {
    time: new Date(flow.timeMs).toISOString(),
    project,
    port: name,
    direction,
    protocol: protocolName(flow.protocol),
    ...endsOf(seen),
    reason,
    text: textOf(reason, { direction, port: `${project}/${name}`, groups }, seen),
    groups: groups.map((group) => (group.startsWith(`${project}/`) ? group.slice(project.length + 1) : group)),
  };
}

function endsOf({
  protocol,
  src,
  dst,
  srcPort,
  dstPort,
}: Omit<Flow, 'nat'>): Pick<Denial, 'src' | 'dst' | 'srcPort' | 'dstPort' | 'icmpType' | 'icmpCode'> {
  if (protocolHasPorts(protocol)) return { src, srcPort, dst, dstPort };
  return isIcmp(protocol) ? { src, dst, icmpType: dstPort >> 8, icmpCode: dstPort & 255 } : { src, dst };
}

function textOf(reason: string, end: AskedEnd, flow: Omit<Flow, 'nat'>): string {
  if (reason === denied) return deniedText(end, flow);
  return dropReasons.find(({ name }) => name === reason)?.meaning ?? reason;
}
