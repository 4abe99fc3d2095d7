/** Rules and what they decide in words: the same wherever a person reads of them, in traces, flows, denials and lists of rules. */
import { formatPrefix, parseIp, prefixOf } from './ip.ts';
import type { RuleRow } from './rows.gen.ts';
import { protocols, ruleActions, ruleDirections } from './terms.ts';

/** IANA "Assigned Internet Protocol Numbers", by the names that rules use. */
const numbers: ReadonlyMap<string, number> = new Map([
  ['icmp', protocols.icmp],
  ['igmp', 2],
  ['ipip', 4],
  ['tcp', protocols.tcp],
  ['egp', 8],
  ['udp', protocols.udp],
  ['dccp', 33],
  ['ipv6-encap', 41],
  ['rsvp', 46],
  ['gre', 47],
  ['esp', 50],
  ['ah', 51],
  ['icmpv6', protocols.icmpv6],
  ['ospf', 89],
  ['vrrp', 112],
  ['pgm', 113],
  ['l2tp', 115],
  ['sctp', 132],
  ['udplite', 136],
]);
const names: ReadonlyMap<number, string> = new Map([...numbers].map(([name, number]) => [number, name]));
/** Those whose headers begin with two port numbers that the forwarder reads. */
const withPorts: readonly number[] = [protocols.tcp, protocols.udp, 33, 132, 136];
const anyProtocol = 'any';
const lastPort = 65_535;

export const protocolNames: readonly string[] = [anyProtocol, ...numbers.keys()];

/** 1 to 255, 0 for `any`, of a name, a number or its digits; undefined for anything else. */
export function protocolNumber(protocol: string | number): number | undefined {
  if (protocol === anyProtocol) return 0;
  const digits = typeof protocol === 'string' && /^[1-9][0-9]{0,2}$/.test(protocol) ? Number(protocol) : undefined;
  const number = typeof protocol === 'number' ? protocol : (numbers.get(protocol) ?? digits);
  return number !== undefined && number >= 1 && number <= 255 ? number : undefined;
}

/** The name of a protocol, or its number as text; `any` for 0. */
export function protocolName(number: number): string {
  return number === 0 ? anyProtocol : (names.get(number) ?? String(number));
}

export function protocolHasPorts(protocol: number): boolean {
  return withPorts.includes(protocol);
}

export function isIcmp(protocol: number): boolean {
  return protocol === protocols.icmp || protocol === protocols.icmpv6;
}

/** What of a packet rules are asked about: `tcp 443`, `icmp type 8`, `gre`. `dstPort` as in flows. */
export function packetText(protocol: number, dstPort: number): string {
  const name = protocolName(protocol);
  if (protocolHasPorts(protocol)) return `${name} ${dstPort}`;
  return isIcmp(protocol) ? `${name} type ${dstPort >> 8}${(dstPort & 255) === 0 ? '' : ` code ${dstPort & 255}`}` : name;
}

/** A rule without its direction's and its group's name: `tcp 80-443 from 10.1.0.0/16`, `icmp type 8 to group web`. */
export function ruleText(rule: RuleRow, groupName: (group: number) => string): string {
  const { protocol, remoteGroup, address, prefixLength, direction } = rule;
  const remote = remoteGroup === 0 ? prefixText(address, prefixLength) : `group ${groupName(remoteGroup)}`;
  return `${protocolName(protocol)}${valueText(rule)} ${direction === ruleDirections.egress ? 'to' : 'from'} ${remote}`;
}

/** One end of a flow that was asked. */
export interface AskedEnd {
  readonly direction: keyof typeof ruleDirections;
  /** Name of the port whose rules they are. */
  readonly port: string;
  /** Names of its groups. */
  readonly groups: readonly string[];
}

/** `egress of web1: rule tcp 80-443 to any IPv4 of group web allows`. */
export function decidedText({ direction, port }: AskedEnd, rule: RuleRow, groupName: (group: number) => string): string {
  const action = rule.action === ruleActions.deny ? 'denies' : 'allows';
  return `${direction} of ${port}: rule ${ruleText(rule, groupName)} of group ${groupName(rule.group)} ${action}`;
}

/** `ingress of db1: no rule of group db allows tcp 3306 from 10.1.0.11`. */
export function deniedText({ direction, port, groups }: AskedEnd, flow: DeniedFlow): string {
  const of = groups.length === 0 ? '' : ` of ${groups.length === 1 ? 'group' : 'the groups'} ${groups.join(', ')}`;
  const remote = direction === 'egress' ? `to ${flow.dst}` : `from ${flow.src}`;
  return `${direction} of ${port}: no rule${of} allows ${packetText(flow.protocol, flow.dstPort)} ${remote}`;
}

interface Ends {
  readonly src: string;
  readonly dst: string;
  readonly srcPort: number;
  readonly dstPort: number;
}

/** A flow with the addresses and ports that the wire of one of its ports has, which are those that the port's rules are asked about. */
export function flowSeenAt<Seen extends Ends & { readonly nat?: Ends }>(
  flow: Seen,
  direction: AskedEnd['direction'],
): Omit<Seen, 'nat'> & Ends {
  const { nat, ...plain } = flow;
  return direction === 'egress' || nat === undefined ? plain : { ...plain, ...nat };
}

interface DeniedFlow {
  readonly protocol: number;
  readonly src: string;
  readonly dst: string;
  readonly dstPort: number;
}

/** At which port no rule allowed a denied flow; `fromAsks`: the rules of the port that it came from are asked. */
export function deniedAt(flow: { readonly egressRule?: unknown }, fromAsks: boolean): AskedEnd['direction'] {
  return fromAsks && flow.egressRule === undefined ? 'egress' : 'ingress';
}

/** No address was written where the prefix is empty. */
function prefixText(address: string, length: number): string {
  const parsed = parseIp(address);
  if (parsed !== undefined && length === 0) return `any IPv${parsed.family}`;
  return parsed === undefined ? `${address}/${length}` : formatPrefix(prefixOf(parsed, length));
}

function valueText({ protocol, portMin, portMax }: RuleRow): string {
  if (portMin === 0 && portMax === lastPort) return '';
  if (!isIcmp(protocol)) return ` ${rangeText(portMin, portMax)}`;
  const types = rangeText(portMin >> 8, portMax >> 8);
  const [first, last] = [portMin & 255, portMax & 255];
  return ` type ${types}${first === 0 && last === 255 ? '' : ` code ${rangeText(first, last)}`}`;
}

function rangeText(first: number, last: number): string {
  return first === last ? String(first) : `${first}-${last}`;
}
