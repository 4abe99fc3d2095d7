/**
 * What security groups say of a first packet, as their definition has it and as slowly as one likes. The forwarder's tables and the
 * compiler of this plugin are held against it.
 */
import { type IpAddress, type IpFamily, type IpPrefix, prefixContains } from '@weft/kernel/contract/net';

export interface Rule {
  readonly number: number;
  readonly direction: 'ingress' | 'egress';
  readonly action: 'allow' | 'deny';
  /** Lowest first. */
  readonly priority: number;
  readonly family: IpFamily;
  /** IANA protocol number; 0: any. */
  readonly protocol: number;
  /** Of the destination port; ICMP: of type × 256 + code. */
  readonly least: number;
  readonly most: number;
  /** Absent: anyone, of this family. */
  readonly remote?: { readonly group: number } | { readonly prefix: IpPrefix };
}

/** Rules by group. */
export type Groups = ReadonlyMap<number, readonly Rule[]>;

export interface Membership {
  readonly group: number;
  /** Where the group's rules are asked: every gate that there is must allow. 0: nowhere. */
  readonly gate: 0 | 1 | 2 | 3;
}

/** A port as rules see it. */
export interface Party {
  readonly id: number;
  /** Rules are asked; otherwise the port is open. */
  readonly asks: boolean;
  /** Undefined: not known yet. */
  readonly memberships: readonly Membership[] | undefined;
  /** Addresses that are its own. */
  readonly owns: readonly IpPrefix[];
}

export interface FirstPacket {
  readonly family: IpFamily;
  readonly protocol: number;
  /** Destination port; ICMP: type × 256 + code; other protocols: 0. */
  readonly value: number;
  readonly src: IpAddress;
  readonly dst: IpAddress;
}

export interface RuleName {
  readonly group: number;
  readonly number: number;
}

export interface Decision {
  readonly verdict: 'allow' | 'policy-denied' | 'policy-pending';
  /** Rule of the first port that decided, and of the second. */
  readonly egress?: RuleName;
  readonly ingress?: RuleName;
}

interface Named extends Rule {
  readonly group: number;
}

/** `address` is the remote's, and `remote` the port behind it. */
function matches(rule: Rule, packet: FirstPacket, address: IpAddress, remote: Party): boolean {
  if (rule.family !== packet.family) return false;
  if (rule.protocol !== 0 && rule.protocol !== packet.protocol) return false;
  if (packet.value < rule.least || packet.value > rule.most) return false;
  if (rule.remote === undefined) return true;
  if ('prefix' in rule.remote) return prefixContains(rule.remote.prefix, address);
  const { group } = rule.remote;
  const isMember = (remote.asks && remote.memberships?.some((each) => each.group === group)) ?? false;
  return isMember && remote.owns.some((prefix) => prefixContains(prefix, address));
}

/** Lowest priority first, deny before allow; the rest only says whose name is told. */
function comesBefore(a: Named, b: Named): number {
  return a.priority - b.priority || Number(a.action === 'allow') - Number(b.action === 'allow') || a.group - b.group || a.number - b.number;
}

/** What the groups of one port say. */
function ask(
  groups: Groups,
  port: Party,
  direction: Rule['direction'],
  packet: FirstPacket,
  remote: Party,
): { allowed: boolean; by?: RuleName } {
  if (!port.asks) return { allowed: true };
  const memberships = port.memberships ?? [];
  const address = direction === 'egress' ? packet.dst : packet.src;
  let by: RuleName | undefined;
  for (const gate of [1, 2, 3]) {
    const asked = memberships.filter((each) => each.gate === gate);
    if (asked.length === 0) continue;
    const [decides] = asked
      .flatMap(({ group }) => (groups.get(group) ?? []).map((rule): Named => ({ ...rule, group })))
      .filter((rule) => rule.direction === direction && matches(rule, packet, address, remote))
      .sort(comesBefore);
    by = decides && { group: decides.group, number: decides.number };
    if (decides?.action !== 'allow') return by ? { allowed: false, by } : { allowed: false };
  }
  const isAsked = memberships.some(({ gate }) => gate !== 0);
  return by ? { allowed: isAsked, by } : { allowed: isAsked };
}

/** Whether a flow that begins with this packet may go from one port to the other. */
export function decide(groups: Groups, from: Party, to: Party, packet: FirstPacket): Decision {
  const isPending = (port: Party) => port.asks && port.memberships === undefined;
  if (isPending(from) || isPending(to)) return { verdict: 'policy-pending' };
  const egress = ask(groups, from, 'egress', packet, to);
  const first = egress.by ? { egress: egress.by } : {};
  if (!egress.allowed) return { verdict: 'policy-denied', ...first };
  const ingress = ask(groups, to, 'ingress', packet, from);
  return { verdict: ingress.allowed ? 'allow' : 'policy-denied', ...first, ...(ingress.by ? { ingress: ingress.by } : {}) };
}

/** What its rules say, in any order. */
export function contentOfRules(groups: Groups, memberships: readonly Membership[]): string {
  const plain = (_: string, value: unknown) => (typeof value === 'bigint' ? value.toString() : value);
  const asked = memberships.filter(({ gate }) => gate !== 0);
  const said = asked.flatMap(({ group, gate }) => (groups.get(group) ?? []).map((rule) => JSON.stringify([group, gate, rule], plain)));
  return [...new Set(said)].sort().join();
}
