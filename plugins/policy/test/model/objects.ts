/** What objects SecurityGroup mean, as the README of this plugin has it: rules of the model. Knows nothing of the compiler. */
import { type IpFamily, parsePrefix } from '@weft/kernel/contract/net';
import type { SecurityRule } from '../../kinds.ts';
import { icmpProtocol } from './icmp.ts';
import type { Rule } from './rules.ts';

const numbers: Readonly<Record<string, number>> = { any: 0, tcp: 6, udp: 17, dccp: 33, gre: 47, esp: 50, sctp: 132, udplite: 136 };

/** `icmp` is the ICMP of the packet's IP version. */
function protocolOf(protocol: string | number, family: IpFamily): number | undefined {
  if (protocol === 'icmp' || protocol === 1) return icmpProtocol(family);
  if (protocol === 'icmpv6' || protocol === 58) return family === 6 ? icmpProtocol(6) : undefined;
  return typeof protocol === 'number' ? protocol : numbers[protocol];
}

function valuesOf({ ports, icmpType, icmpCode }: SecurityRule): { readonly least: number; readonly most: number } {
  if (ports !== undefined) {
    const [least = 0, most = least] = String(ports).split('-').map(Number);
    return { least, most };
  }
  if (icmpType === undefined) return { least: 0, most: 65_535 };
  return { least: icmpType * 256 + (icmpCode ?? 0), most: icmpType * 256 + (icmpCode ?? 255) };
}

/** @param groupOf number of the group that a reference means; undefined: there is none, and nobody is in it */
export function meaningOf(rules: readonly SecurityRule[], groupOf: (reference: string) => number | undefined): Rule[] {
  return rules.flatMap((rule) =>
    ([4, 6] as const).flatMap((family): Rule[] => {
      const protocol = protocolOf(rule.protocol, family);
      const { cidr, group } = rule.remote ?? {};
      const prefix = cidr === undefined ? undefined : parsePrefix(cidr)?.prefix;
      const named = group === undefined ? undefined : groupOf(group);
      if (protocol === undefined || (prefix && prefix.family !== family) || (group !== undefined && named === undefined)) return [];
      const remote = prefix ? { prefix } : named === undefined ? undefined : { group: named };
      const what = { direction: rule.direction, action: 'allow', priority: 0, family, protocol, ...valuesOf(rule) } as const;
      return [{ number: 0, ...what, ...(remote ? { remote } : {}) }];
    }),
  );
}

/** The group `default` of a project without an object of that name (OpenStack Networking): all out, in from itself. */
export const usualRules: readonly SecurityRule[] = [
  { direction: 'egress', protocol: 'any' },
  { direction: 'ingress', protocol: 'any', remote: { group: 'default' } },
];
