/** Sites whose rules come from objects: SecurityGroups at random, and what they mean to the model. */
import { formatPrefix } from '@weft/kernel/contract/net';
import type { SecurityGroup } from '../../kinds.ts';
import { meaningOf, usualRules } from '../model/objects.ts';
import type { Rule } from '../model/rules.ts';
import { type GivenRule, group } from '../world.ts';
import type { Dice } from './dice.ts';
import { groupNumbers, icmpTypes, l4Ports, randomRemote } from './random-site.ts';
import type { Site } from './scenario.ts';

/** Number that the model gives the group `default` of the ports' project. */
export const defaultNumber = 1000;
const protocols = ['any', 'tcp', 'tcp', 'udp', 'udp', 'icmp', 'icmp', 'icmpv6', 'sctp', 'udplite', 'dccp', 'esp', 1, 6, 17, 47, 58];
const withPorts: ReadonlySet<string | number> = new Set(['tcp', 'udp', 'sctp', 'udplite', 'dccp', 6, 17]);
const icmp: ReadonlySet<string | number> = new Set(['icmp', 'icmpv6', 1, 58]);

/** Some groups belong to another project, and are named in full. */
export const groupName = (number: number): string =>
  number === defaultNumber ? 'default/default' : `${number > 6 ? 'x' : 'default'}/g${number}`;
const numberOf = (reference: string): number => (reference.endsWith('default') ? defaultNumber : Number(reference.split('/g')[1]));

function randomRemoteOf(dice: Dice): GivenRule['remote'] {
  const remote = randomRemote(dice, dice.pick([4, 6] as const));
  if (remote === undefined) return undefined;
  if ('prefix' in remote) return { cidr: formatPrefix(remote.prefix) };
  return { group: groupName(dice.chance(15) ? defaultNumber : remote.group) };
}

function randomValues(dice: Dice, protocol: string | number): Pick<GivenRule, 'ports' | 'icmpType' | 'icmpCode'> {
  if (withPorts.has(protocol) && !dice.chance(20)) {
    const [a, b] = [dice.pick(l4Ports), dice.pick(l4Ports)];
    return { ports: dice.chance(30) ? a : dice.chance(30) ? String(a) : `${Math.min(a, b)}-${Math.max(a, b)}` };
  }
  if (!icmp.has(protocol) || dice.chance(30)) return {};
  return { icmpType: dice.pick([...icmpTypes[4], ...icmpTypes[6]]), ...(dice.chance(40) ? { icmpCode: dice.below(3) } : {}) };
}

function randomObjectRule(dice: Dice): GivenRule {
  const protocol = dice.pick(protocols);
  const remote = randomRemoteOf(dice);
  const direction = dice.pick(['ingress', 'egress'] as const);
  return { direction, protocol, ...randomValues(dice, protocol), ...(remote ? { remote } : {}) };
}

function randomGroup(dice: Dice, number: number, before: SecurityGroup | undefined): SecurityGroup {
  const kept = before ? dice.some(before.spec.rules, 80) : [];
  const fresh = Array.from({ length: dice.pick(before ? [0, 1, 1, 2] : [0, 2, 4, 8, 16]) }, () => randomObjectRule(dice));
  const wide = (['ingress', 'egress'] as const).filter(() => !before && dice.chance(40)).map((direction): GivenRule => ({ direction }));
  return group(groupName(number), number, [...kept, ...fresh, ...wide]);
}

/** The same site with objects in place of rules: those whose rules changed since `before` change, too. */
export function withObjects(dice: Dice, drawn: Site, before?: { readonly drawn: Site; readonly site: Site }): Site {
  const objects = new Map<number, SecurityGroup>();
  for (const number of groupNumbers) {
    if (!drawn.groups.has(number)) continue;
    const known = before?.site.objects?.get(number);
    const isSame = known !== undefined && before?.drawn.groups.get(number) === drawn.groups.get(number);
    objects.set(number, isSame ? known : randomGroup(dice, number, known));
  }
  const groupOf = (reference: string) => {
    const number = numberOf(reference);
    return number === defaultNumber || objects.has(number) ? number : undefined;
  };
  const groups = new Map<number, readonly Rule[]>([...objects].map(([number, { spec }]) => [number, meaningOf(spec.rules, groupOf)]));
  groups.set(defaultNumber, meaningOf(usualRules, groupOf));
  const ports = drawn.ports.map((port) => {
    const names = port.memberships && [...new Set(port.memberships.map((each) => each.group))].slice(0, 4);
    const follows = names?.length === 0 ? [defaultNumber] : names;
    const memberships = follows?.filter((number) => groups.has(number)).map((number) => ({ group: number, gate: 1 as const }));
    return { ...port, memberships, ...(names ? { groups: names } : {}) };
  });
  return { networks: drawn.networks, ports, groups, objects };
}
