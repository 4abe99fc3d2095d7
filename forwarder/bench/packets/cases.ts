/** What is measured, as data. A new feature adds its case here, and a contestant that can do it says so in `supports`. */
import type { Traffic } from './load.ts';
import type { Scenario } from './scenario.ts';

export interface Variant {
  /** `1 k flows`; a case of one variant has none. */
  readonly name?: string;
  /** The variant as a number, for plots. */
  readonly size?: number;
  readonly scenario: Scenario;
  readonly traffic: Traffic;
  /** Net cycles per packet that Weft aims at. */
  readonly target?: number;
  readonly quick?: true;
}

export interface BenchCase {
  readonly id: string;
  readonly title: string;
  readonly variants: readonly Variant[];
  /** Many rounds for what is compared most closely. */
  readonly rounds: 'many' | 'few';
}

const k = 1_000;
const m = 1_000_000;
const counts: Readonly<Record<number, string>> = { 1: '1', 10: '10', 1000: '1 k', 10000: '10 k', 128000: '128 k', 1000000: '1 M' };

const counted = (count: number, what: string): Pick<Variant, 'name' | 'size'> => ({ name: `${counts[count]} ${what}`, size: count });

/** One scenario with flow sets of several sizes and the target for each. */
function byFlows(scenario: Scenario, targets: Readonly<Record<number, number | undefined>>, quick: readonly number[] = []): Variant[] {
  return Object.entries(targets).map(([text, target]) => {
    const flows = Number(text);
    const goal = target === undefined ? {} : { target };
    return { ...counted(flows, 'flows'), scenario, traffic: { flows }, ...goal, ...(quick.includes(flows) ? { quick: true } : {}) };
  });
}

const l3: Scenario = { kind: 'l3', routes: k, family: 4 };
/** Plain L3, 1,000 routes, 1,000 flows: also what latency is measured with. */
export const plainVariant: Variant = { scenario: l3, traffic: { flows: k } };

const limits: BenchCase = {
  id: 'limit',
  title: 'The bare limit: testpmd',
  rounds: 'many',
  variants: (['io', 'macswap', '5tswap'] as const).map((mode) => ({
    name: mode,
    scenario: { kind: 'limit', mode },
    traffic: { flows: k },
    ...(mode === 'macswap' ? { quick: true } : {}),
  })),
};

const plain: readonly BenchCase[] = [
  {
    id: 'l2',
    title: 'L2 by destination MAC address',
    rounds: 'many',
    variants: [1, k, 128 * k, m].map((macs) => ({
      ...counted(macs, macs === 1 ? 'MAC address' : 'MAC addresses'),
      scenario: { kind: 'l2', macs },
      traffic: { flows: macs },
      ...(macs === k ? { quick: true } : {}),
    })),
  },
  { id: 'l3', title: 'L3, 1,000 /24 routes', rounds: 'many', variants: byFlows(l3, { [k]: 60, [128 * k]: 60, [m]: 62 }, [k, m]) },
  {
    id: 'l3-1m-routes',
    title: 'L3, 1 M /24 routes, a flow to each',
    rounds: 'few',
    variants: [{ scenario: { kind: 'l3', routes: m, family: 4 }, traffic: { flows: m } }],
  },
  {
    id: 'l3-ipv6',
    title: 'L3, IPv6, 1,000 /64 routes, 1 k flows',
    rounds: 'many',
    variants: [{ scenario: { kind: 'l3', routes: k, family: 6 }, traffic: { flows: k } }],
  },
  {
    id: 'l3-imix',
    title: 'L3, 1,000 /24 routes, 1 k flows, IMIX (7:4:1 of 64, 570, 1518 bytes)',
    rounds: 'few',
    variants: [{ scenario: l3, traffic: { flows: k, size: 'imix' } }],
  },
  {
    id: 'l3-nic',
    title: 'L3, 1,000 /24 routes, 1 k flows, frames made by another core (headers cold)',
    rounds: 'few',
    variants: [{ scenario: l3, traffic: { flows: k, mode: 'nic' } }],
  },
  {
    id: 'vlan',
    title: 'L3 between two VLANs, 1,000 /24 routes, 1 k flows',
    rounds: 'few',
    variants: [{ scenario: { kind: 'vlan' }, traffic: { flows: k } }],
  },
  {
    id: 'arp',
    title: 'ARP requests for the gateway, answered',
    rounds: 'few',
    variants: [{ scenario: { kind: 'arp' }, traffic: { flows: 1 } }],
  },
  {
    id: 'nd',
    title: 'Neighbour solicitations for the gateway, answered',
    rounds: 'few',
    variants: [{ scenario: { kind: 'nd' }, traffic: { flows: 1 } }],
  },
];

const stateful: readonly BenchCase[] = [
  {
    id: 'stateful',
    title: 'Connection tracking, established flows, both directions',
    rounds: 'few',
    variants: byFlows({ kind: 'stateful' }, { [k]: 95, [128 * k]: 160, [m]: 185 }, [128 * k]),
  },
  {
    id: 'snat',
    title: 'Source NAT, established flows, both directions',
    rounds: 'few',
    variants: byFlows({ kind: 'snat' }, { [k]: 115, [128 * k]: 180, [m]: 205 }, [128 * k]),
  },
  {
    id: 'fip',
    title: 'Floating address (1:1), established flows, both directions',
    rounds: 'few',
    variants: byFlows({ kind: 'fip' }, { [k]: undefined, [128 * k]: undefined }),
  },
  {
    id: 'guarded-snat',
    title: 'Anti-spoofing, 1,000 rules of a group and source NAT, established flows, both directions',
    rounds: 'few',
    variants: byFlows({ kind: 'guarded-snat' }, { [k]: undefined, [128 * k]: undefined }),
  },
  {
    id: 'new-flows',
    title: 'New flows, each packet opens one',
    rounds: 'few',
    variants: [
      { name: 'tracked', scenario: { kind: 'stateful' }, traffic: { flows: 'endless' }, target: 900 },
      { name: 'with NAT', scenario: { kind: 'snat' }, traffic: { flows: 'endless' } },
      { name: 'floating address', scenario: { kind: 'fip' }, traffic: { flows: 'endless' } },
    ],
  },
  {
    id: 'vxlan',
    title: 'VXLAN gateway: decapsulate, route, encapsulate',
    rounds: 'few',
    variants: byFlows({ kind: 'vxlan' }, { [k]: 78, [128 * k]: 80 }),
  },
  {
    id: 'acl',
    title: 'Stateless rules, 128 k flows, the last rule matches',
    rounds: 'few',
    variants: [k, 10 * k].map((rules) => ({
      ...counted(rules, 'rules'),
      scenario: { kind: 'acl', rules },
      traffic: { flows: 128 * k },
    })),
  },
  {
    id: 'acl-new',
    title: 'Rules, each packet opens a flow, the last rule matches',
    rounds: 'few',
    variants: [10, k, 10 * k].map((rules) => ({
      ...counted(rules, 'rules'),
      scenario: { kind: 'acl', rules },
      // Few enough to have one destination port, too many for a second packet of one.
      traffic: { flows: 50 * m },
    })),
  },
  {
    id: 'vrouter',
    title: 'vRouter: anti-spoofing, connection tracking, rules, routes, VXLAN',
    rounds: 'few',
    variants: byFlows({ kind: 'vrouter' }, { [k]: 150, [128 * k]: 230 }),
  },
];

export const cases: readonly BenchCase[] = [limits, ...plain, ...stateful];
