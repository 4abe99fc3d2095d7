/** One rule of a SecurityGroup in numbers, as the forwarder's rows have it. Pure. */
import {
  formatIp,
  type IpFamily,
  isIcmp,
  parsePrefix,
  protocolNumber,
  protocols,
  type RuleRow,
  ruleActions,
  ruleDirections,
} from '@weft/kernel/contract/net';
import type { SecurityRule } from './kinds.ts';

/** What a row says, without whose it is. */
export type RuleContent = Omit<RuleRow, 'table' | 'group' | 'number'>;

export interface ValueRange {
  readonly portMin: number;
  readonly portMax: number;
}

const allValues: ValueRange = { portMin: 0, portMax: 65_535 };
const anyAddress: Readonly<Record<IpFamily, string>> = { 4: '0.0.0.0', 6: '::' };

/**
 * The rows of a rule: one for each IP version that it is about.
 * @param groupNumber number of the group that a reference means; undefined: there is none, so nobody is in it, and the rule is about nothing
 */
export function ruleContents(rule: SecurityRule, groupNumber: (reference: string) => number | undefined): readonly RuleContent[] {
  const protocol = protocolNumber(rule.protocol);
  const remoteGroup = rule.remote?.group === undefined ? 0 : groupNumber(rule.remote.group);
  if (protocol === undefined || remoteGroup === undefined) return [];
  const prefix = rule.remote?.cidr === undefined ? undefined : parsePrefix(rule.remote.cidr)?.prefix;
  const { portMin, portMax } = valuesOf(rule, protocol);
  return familiesOf(protocol, prefix?.family).map((family) => ({
    priority: 0,
    remoteGroup,
    portMin,
    portMax,
    direction: ruleDirections[rule.direction],
    action: ruleActions.allow,
    protocol: isIcmp(protocol) ? (family === 4 ? protocols.icmp : protocols.icmpv6) : protocol,
    prefixLength: prefix?.length ?? 0,
    address: prefix === undefined ? anyAddress[family] : formatIp({ family, value: prefix.first }),
  }));
}

/** `icmp` means ICMP or ICMPv6, as the packet is; `icmpv6` only the latter. */
function familiesOf(protocol: number, family: IpFamily | undefined): readonly IpFamily[] {
  const possible: readonly IpFamily[] = protocol === protocols.icmpv6 ? [6] : [4, 6];
  return family === undefined ? possible : possible.filter((each) => each === family);
}

/** What of the destination port, or type << 8 | code, matches. */
function valuesOf({ ports, icmpType, icmpCode }: SecurityRule, protocol: number): ValueRange {
  if (ports !== undefined) return parsePorts(ports) ?? allValues;
  if (icmpType === undefined || !isIcmp(protocol)) return allValues;
  return { portMin: (icmpType << 8) | (icmpCode ?? 0), portMax: (icmpType << 8) | (icmpCode ?? 255) };
}

/** A port or an ascending range of 1 to 65535; undefined for anything else. */
export function parsePorts(ports: string | number): ValueRange | undefined {
  const [, first = '', last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(String(ports)) ?? [];
  const [portMin, portMax] = [Number(first), Number(last)];
  return first !== '' && portMin >= 1 && portMin <= portMax && portMax <= 65_535 ? { portMin, portMax } : undefined;
}

/** How many rows rules take at most. */
export function rowCount(rules: readonly SecurityRule[]): number {
  return rules.reduce((sum, rule) => sum + ruleContents(rule, () => 1).length, 0);
}

/** Equal for equal contents. */
export function contentKey(content: RuleContent): string {
  const { direction, action, priority, protocol, portMin, portMax, remoteGroup, prefixLength, address } = content;
  return [direction, action, priority, protocol, portMin, portMax, remoteGroup, address, prefixLength].join(' ');
}
