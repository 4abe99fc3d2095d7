/** What a trace tells of policy and flows, in words: which rule of which port decided, and whether the packet belongs to a flow that is there. */
import {
  type AskedEnd,
  decidedText,
  deniedAt,
  deniedText,
  type Flow,
  flowSeenAt,
  isIcmp,
  packetText,
  type RuleRow,
  ruleActions,
  ruleDirections,
} from '@weft/kernel/contract/net';
import { seenFlow } from './flow-lines.ts';

/** Names for what stands in flows and rules. */
export interface PolicyNames {
  port(id: number): string;
  /** Nobody's rules are asked there. */
  isUplink(port: number): boolean;
  /** Whether the caller may know what is inside of the project of a port. */
  seesPort(port: number): boolean;
  group(number: number): string;
  /** Whether the caller may read the rules of a group. */
  seesRulesOf(group: number): boolean;
  /** Of the groups whose rules a port follows; undefined: it is open. */
  groupsOf(port: number): readonly string[] | undefined;
}

export interface PolicyLine {
  readonly step: string;
  readonly text: string;
  readonly row?: RuleRow;
  readonly flow?: Flow;
}

/** @param rules those that decided, as the trace told them before the flow */
export function policyLines(rules: readonly RuleRow[], traced: Flow, names: PolicyNames): readonly PolicyLine[] {
  const flow = seenFlow(traced, 'egress', traced.toPort === 0 || names.seesPort(traced.toPort));
  if (flow.event === 'listed')
    return [...recordedLines(rules, flow, names), { step: 'flow', text: knownText(flow), flow }, ...natLines(flow)];
  const asked = rules.map((row): PolicyLine => {
    const egress = row.direction === ruleDirections.egress;
    const end = endOf(egress ? 'egress' : 'ingress', egress ? flow.fromPort : flow.toPort, names);
    if (names.seesRulesOf(row.group)) return { step: 'policy', text: decidedText(end, row, names.group), row };
    const said = row.action === ruleActions.deny ? 'denies' : 'allows';
    return { step: 'policy', text: `${end.direction} of ${end.port}: a rule of ${names.group(row.group)} ${said}` };
  });
  const open = openLines(flow, names);
  return flow.event === 'denied'
    ? [...open, ...asked, ...deniedLines(rules, flow, names)]
    : [...open, ...asked, { step: 'flow', text: 'a new flow would begin: the answers to it pass as well', flow }, ...natLines(flow)];
}

/** What its packets are translated into. Which outside port of a shared address it gets is decided by its first packet: until then it is 0. */
function natLines({ protocol, src, dst, srcPort, dstPort, nat }: Flow): readonly PolicyLine[] {
  if (nat === undefined) return [];
  const word = isIcmp(protocol) ? 'identifier' : 'port';
  const sharedWord = isIcmp(protocol) ? 'an identifier' : 'an outside port';
  const source =
    nat.srcPort === srcPort ? nat.src : nat.srcPort === 0 ? `${sharedWord} of ${nat.src}` : `${nat.src} ${word} ${nat.srcPort}`;
  const target = nat.dstPort === dstPort || isIcmp(protocol) ? nat.dst : `${nat.dst} ${word} ${nat.dstPort}`;
  return [
    ...(nat.src === src && nat.srcPort === srcPort ? [] : [{ step: 'NAT', text: `the source ${src} becomes ${source}` }]),
    ...(nat.dst === dst && nat.dstPort === dstPort ? [] : [{ step: 'NAT', text: `the target ${dst} becomes ${target}` }]),
  ];
}

function endOf(direction: AskedEnd['direction'], port: number, names: PolicyNames): AskedEnd {
  return { direction, port: names.port(port), groups: names.groupsOf(port) ?? [] };
}

/** Ports whose rules are not asked. */
function openLines({ fromPort, toPort }: Flow, names: PolicyNames): readonly PolicyLine[] {
  const ends = [
    ['egress', fromPort],
    ['ingress', toPort],
  ] as const;
  return ends
    .filter(([, port]) => port !== 0 && !names.isUplink(port) && names.groupsOf(port) === undefined)
    .map(([direction, port]) => ({ step: 'policy', text: `${direction} of ${names.port(port)}: the port is open, no rule is asked` }));
}

/** What decided about a flow when it began, or anew since. */
function recordedLines(
  rules: readonly RuleRow[],
  { egressRule, ingressRule, fromPort, toPort, action }: Flow,
  names: PolicyNames,
): readonly PolicyLine[] {
  const ends = [
    ['egress', fromPort, egressRule],
    ['ingress', toPort, ingressRule],
  ] as const;
  return ends.flatMap(([direction, port, rule]): readonly PolicyLine[] => {
    if (rule === undefined) return [];
    const row = rules.find(({ group, number }) => group === rule.group && number === rule.number);
    if (row !== undefined && names.seesRulesOf(row.group))
      return [{ step: 'policy', text: decidedText(endOf(direction, port, names), row, names.group), row }];
    const verb = action === 'deny' ? 'decided' : 'allowed it';
    return [{ step: 'policy', text: `${direction} of ${names.port(port)}: a rule of group ${names.group(rule.group)} ${verb}` }];
  });
}

function deniedLines(rules: readonly RuleRow[], flow: Flow, names: PolicyNames): readonly PolicyLine[] {
  if (flow.lastDrop === 'policy-pending') {
    const text = 'the rules of one of the two ports are not known: the plugin policy has not sent them yet, or is disabled';
    return [{ step: 'policy', text, flow }];
  }
  const last = rules.at(-1);
  // A rule that denies says so itself.
  if (last !== undefined && last.action === ruleActions.deny) return [];
  const direction = deniedAt(flow, !names.isUplink(flow.fromPort) && names.groupsOf(flow.fromPort) !== undefined);
  const end = endOf(direction, direction === 'egress' ? flow.fromPort : flow.toPort, names);
  return [{ step: 'policy', text: deniedText(end, flowSeenAt(flow, direction)), flow }];
}

/** `it belongs to a flow: tcp 80, established, 12 s old, 34 packets there and 30 back`. */
function knownText(flow: Flow): string {
  const { protocol, dstPort, state, action, ageMs, packets, replyPackets, lastDrop } = flow;
  const what = `${packetText(protocol, dstPort)} from ${flow.src} to ${flow.dst}`;
  const counted = `${packets} packets there and ${replyPackets} back`;
  const said = action === 'deny' ? 'it is denied now' : 'it passes by what was decided for its first packet';
  const drop = lastDrop === undefined ? '' : `; last drop: ${lastDrop}`;
  return `belongs to a flow that is there: ${what}, ${state}, ${(ageMs / 1000).toFixed(1)} s old, ${counted}; ${said}${drop}`;
}
