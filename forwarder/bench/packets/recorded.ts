/**
 * Figures that are there without being measured: medians of the peers on the machine where Weft's targets were set, each under the case and variant
 * that `cases.ts` has or will have. Peers were tuned as well as could be; VPP is not in Debian and hence only here.
 */
import type { Measurement } from '../../../kernel/bench/measurement.ts';

/** Mpps and net cycles per packet, as far as they were written down. */
type Figures = readonly [mpps: number | undefined, netCycles?: number];

interface Line {
  readonly case: string;
  readonly title: string;
  readonly variant?: string;
  readonly size?: number;
  readonly ovs?: Figures;
  readonly vpp?: Figures;
  readonly testpmd?: Figures;
  /** Net cycles per packet. */
  readonly target?: number;
  /** What a reader must know of a contestant's figure. */
  readonly notes?: Partial<Record<keyof typeof versions, string>>;
}

const machine = '2 vCPU AMD EPYC, DPDK 22.11.11';
const versions = { ovs: 'OVS 3.1', vpp: 'VPP 26.06', testpmd: 'testpmd' } as const;

const kFlows = { variant: '1 k flows', size: 1_000 } as const;
const manyFlows = { variant: '128 k flows', size: 128_000 } as const;
const mFlows = { variant: '1 M flows', size: 1_000_000 } as const;

const limit = { case: 'limit', title: 'The bare limit: testpmd' } as const;
const l3 = { case: 'l3', title: 'L3, 1,000 /24 routes' } as const;
const stateful = { case: 'stateful', title: 'Connection tracking, established flows, both directions' } as const;
const statefulAcl = {
  case: 'stateful',
  title: stateful.title,
  notes: { vpp: 'ACL plugin with sessions, 1 k rules' },
} as const;
const snat = { case: 'snat', title: 'Source NAT, established flows, both directions' } as const;
const newFlows = { case: 'new-flows', title: 'New flows, each packet opens one' } as const;
const vxlan = { case: 'vxlan', title: 'VXLAN gateway: decapsulate, route, encapsulate' } as const;
const mpls = { case: 'mpls-udp', title: 'MPLS over UDP, encapsulate' } as const;
const acl = { case: 'acl', title: 'Stateless rules, 128 k flows, the last rule matches' } as const;
const vrouter = { case: 'vrouter', title: 'vRouter: anti-spoofing, connection tracking, rules, routes, VXLAN' } as const;

const lines: readonly Line[] = [
  { ...limit, variant: 'io', testpmd: [82, 3] },
  { ...limit, variant: 'macswap', testpmd: [76, 6.5] },
  { ...limit, variant: '5tswap', testpmd: [52, 21] },
  { case: 'port-to-port', title: 'Port to port without a lookup', ...kFlows, vpp: [41, 34], target: 30 },
  { ...l3, ...kFlows, ovs: [11.25, 200.5], vpp: [26.7, 66], target: 60, notes: { ovs: 'middle of 10.6 to 11.9 Mpps (188 to 213 cycles)' } },
  { ...l3, ...manyFlows, ovs: [8.2, 285], vpp: [27.7, 64], target: 60 },
  { ...l3, ...mFlows, ovs: [8.6, 271], vpp: [27.3, 65], target: 62 },
  { ...stateful, ...kFlows, ovs: [5.8, 415], vpp: [15.1, 142], target: 95, notes: { vpp: 'session plugin (SFDP)' } },
  { ...stateful, ...manyFlows, ovs: [3.0, 831], vpp: [8.6, 271], target: 160, notes: { vpp: 'session plugin (SFDP)' } },
  { ...stateful, ...mFlows, ovs: [2.2, 1_128], vpp: [7.9, 299], target: 185, notes: { vpp: 'session plugin (SFDP)' } },
  { ...statefulAcl, ...kFlows, vpp: [19.8, 103] },
  { ...statefulAcl, ...manyFlows, vpp: [11.2, 202] },
  { ...statefulAcl, ...mFlows, vpp: [10.4, 220] },
  { ...snat, ...kFlows, ovs: [5.0, 492], vpp: [12.8, 173], target: 115, notes: { vpp: 'NAT44-ED' } },
  { ...snat, ...manyFlows, ovs: [2.6, 983], vpp: [3.6, 683], target: 180, notes: { vpp: 'NAT44-ED' } },
  { ...snat, ...mFlows, ovs: [1.9, 1_316], vpp: [2.8, 900], target: 205, notes: { vpp: 'NAT44-ED' } },
  { ...newFlows, variant: 'tracked', ovs: [0.37, 6_300], vpp: [1.4, 1_026], target: 900, notes: { vpp: 'session plugin (SFDP)' } },
  { ...newFlows, variant: 'with NAT', ovs: [0.4], notes: { ovs: 'middle of 0.3 to 0.5 M/s; Weft aims at 1.5 M/s' } },
  { ...vxlan, ...kFlows, ovs: [12.4, 171], vpp: [21.3, 84], target: 78 },
  { ...vxlan, ...manyFlows, ovs: [9.9, 226], vpp: [21.4, 84], target: 80 },
  { ...mpls, ...kFlows, vpp: [15.2, 137], target: 100 },
  { ...mpls, ...manyFlows, vpp: [15.2, 137], target: 100 },
  { ...acl, variant: '1 k rules', size: 1_000, ovs: [8.6, 272], notes: { ovs: 'by cache; 3.0 Mpps (844 cycles) without' } },
  { ...acl, variant: '10 k rules', size: 10_000, ovs: [8.8, 266], vpp: [11.1, 204], notes: { ovs: 'by cache', vpp: 'with sessions' } },
  { ...vrouter, ...kFlows, vpp: [11.8, 189], target: 150 },
  { ...vrouter, ...manyFlows, ovs: [2.6, 950], vpp: [7.9, 297], target: 230 },
];

/** Two measurements for each figure, in Mpps and in net cycles; the latter with Weft's target. */
export const recorded: readonly Measurement[] = lines.flatMap((line) =>
  (['testpmd', 'ovs', 'vpp'] as const).flatMap((contestant) => measurements(line, contestant)),
);

function measurements(line: Line, contestant: keyof typeof versions): Measurement[] {
  const [mpps, netCycles] = line[contestant] ?? [];
  const note = line.notes?.[contestant];
  const shared = {
    group: 'packets',
    case: line.case,
    title: line.title,
    ...(line.variant === undefined ? {} : { variant: line.variant }),
    ...(line.size === undefined ? {} : { size: line.size }),
    contestant,
    recorded: `${versions[contestant]}, ${machine}`,
    ...(note === undefined ? {} : { note }),
  };
  const rate: Measurement[] = mpps === undefined ? [] : [{ ...shared, unit: 'Mpps', better: 'more', values: [mpps] }];
  if (netCycles === undefined) return rate;
  const target = line.target === undefined ? {} : { target: line.target };
  return [...rate, { ...shared, unit: 'net cycles', better: 'less', values: [netCycles], ...target }];
}
