/** What is wrong with a rule that its schema lets pass. Pure. */
import {
  formatPrefix,
  isIcmp,
  parsePrefix,
  protocolHasPorts,
  protocolName,
  protocolNames,
  protocolNumber,
  protocols,
} from '@weft/kernel/contract/net';
import type { SecurityRule } from './kinds.ts';
import { parsePorts } from './rule.ts';

export interface RuleProblem {
  /** JSON pointer below the rule. */
  readonly field: string;
  readonly message: string;
  readonly fix: string;
}

export function ruleProblems(rule: SecurityRule): readonly RuleProblem[] {
  const protocol = protocolNumber(rule.protocol);
  if (protocol === undefined) {
    const message = `${rule.protocol} is no protocol`;
    const lower = String(rule.protocol).toLowerCase();
    if (protocolNumber(lower) !== undefined) return [{ field: '/protocol', message, fix: `write it in lower case: ${lower}` }];
    return [{ field: '/protocol', message, fix: `write a number from 1 to 255, or one of ${protocolNames.join(', ')}` }];
  }
  return [...portProblems(rule, protocol), ...icmpProblems(rule, protocol), ...remoteProblems(rule, protocol)];
}

function portProblems({ ports }: SecurityRule, protocol: number): readonly RuleProblem[] {
  if (ports === undefined) return [];
  const field = '/ports';
  if (isIcmp(protocol)) return [{ field, message: 'ICMP has no ports', fix: 'leave it out, or write icmpType and icmpCode' }];
  if (!protocolHasPorts(protocol)) {
    const message = `rules for ${protocolName(protocol)} cannot name ports`;
    return [{ field, message, fix: 'leave it out, or write the protocol tcp, udp, udplite, sctp or dccp' }];
  }
  if (parsePorts(ports) !== undefined) return [];
  if (String(ports).includes(',')) {
    const message = `${ports} is a list`;
    return [{ field, message, fix: 'write one port or one range, such as 80-443, and one rule for each' }];
  }
  const [, first = '', last = ''] = /^(\d{1,5})-(\d{1,5})$/.exec(String(ports)) ?? [];
  if (parsePorts(`${last}-${first}`) !== undefined)
    return [{ field, message: `the range ${ports} is reversed`, fix: `write ${last}-${first}` }];
  return [{ field, message: `${ports} is neither a port nor a range`, fix: 'write one such as 80, or 80-443, from 1 to 65535' }];
}

function icmpProblems({ icmpType, icmpCode }: SecurityRule, protocol: number): readonly RuleProblem[] {
  if (icmpType === undefined && icmpCode === undefined) return [];
  const field = icmpType === undefined ? '/icmpCode' : '/icmpType';
  if (!isIcmp(protocol)) {
    const message = `${protocolName(protocol)} has no ICMP messages`;
    return [{ field, message, fix: 'leave it out, or write the protocol icmp or icmpv6' }];
  }
  return icmpType === undefined ? [{ field, message: 'a code belongs to a type', fix: 'write icmpType, too, or leave it out' }] : [];
}

function remoteProblems({ remote }: SecurityRule, protocol: number): readonly RuleProblem[] {
  if (remote === undefined) return [];
  const { cidr, group } = remote;
  const field = '/remote';
  if (cidr !== undefined && group !== undefined)
    return [{ field, message: 'names both a cidr and a group', fix: 'keep one of them, and write a second rule for the other' }];
  if (group !== undefined) return [];
  if (cidr === undefined) return [{ field, message: 'names nobody', fix: 'write cidr or group, or leave remote out: anyone' }];
  return cidrProblems(cidr, protocol);
}

function cidrProblems(cidr: string, protocol: number): readonly RuleProblem[] {
  const field = '/remote/cidr';
  const parsed = parsePrefix(cidr);
  if (parsed === undefined) {
    const host = parsePrefix(`${cidr}/32`) === undefined ? '10.1.0.0/24 or 2001:db8::/32' : `${cidr}/${cidr.includes(':') ? 128 : 32}`;
    return [{ field, message: `${cidr} is no prefix`, fix: `write ADDRESS/LENGTH, such as ${host}` }];
  }
  const { prefix, canonical } = parsed;
  if (!canonical) return [{ field, message: `${cidr} has host bits set`, fix: `write ${formatPrefix(prefix)}` }];
  if (protocol === protocols.icmpv6 && prefix.family === 4)
    return [{ field, message: 'ICMPv6 does not come from IPv4 addresses', fix: 'write the protocol icmp, or an IPv6 prefix' }];
  return [];
}
