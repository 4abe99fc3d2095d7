/** A small run for tests: two cases measured beside a peer, one that only peers have. */
import type { Measurement } from '../../../kernel/bench/measurement.ts';
import type { BenchResult } from '../result.ts';

export const l3: Pick<Measurement, 'group' | 'case' | 'title'> = { group: 'packets', case: 'l3', title: 'L3, 1,000 /24 routes' };
const stateful = { group: 'packets', case: 'stateful', title: 'Connection tracking' } as const;

export function mpps(contestant: string, values: readonly number[], more: Partial<Measurement> = {}): Measurement {
  return { ...l3, contestant, unit: 'Mpps', better: 'more', values, ...more };
}

export function cycles(contestant: string, values: readonly number[], more: Partial<Measurement> = {}): Measurement {
  return { ...l3, contestant, unit: 'net cycles', better: 'less', values, ...more };
}

const few = { variant: '1 k flows', size: 1_000 } as const;
const some = { variant: '128 k flows', size: 128_000 } as const;
const many = { variant: '1 M flows', size: 1_000_000 } as const;

export const measurements: readonly Measurement[] = [
  // Larger first: the page must put them in order.
  mpps('weft', [28, 27, 29], many),
  cycles('weft', [66, 68, 65], { ...many, target: 62 }),
  mpps('weft', [30, 20, 31], few),
  mpps('ovs', [10, 10, 11], { ...few, note: 'EMC off' }),
  mpps('ovs', [11.2], { ...few, recorded: 'OVS 3.1 on a test machine' }),
  mpps('vpp', [26.7], { ...few, recorded: 'VPP 26.06 on a test machine' }),
  cycles('weft', [59, 58, 60], { ...few, target: 60 }),
  cycles('ovs', [300, 310, 290], few),
  cycles('ovs', [200], { ...few, recorded: 'OVS 3.1 on a test machine' }),
  cycles('weft', [60, 59, 61], { ...some, target: 60 }),
  cycles('vpp', [142], { ...stateful, ...few, recorded: 'VPP 26.06 on a test machine', note: 'sessions', target: 95 }),
  cycles('vpp', [103], { ...stateful, ...few, recorded: 'VPP 26.06 on a test machine', note: 'ACL' }),
  { group: 'appliance', case: 'start', title: 'Start to ready', contestant: 'weft', unit: 's', better: 'less', values: [1.41, 1.38, 1.52] },
  { group: 'own', case: 'odd', title: 'A group without a title', contestant: 'weft', unit: '%', better: 'less', values: [0.12] },
];

export const result: BenchResult = {
  started: '2026-11-21T13:00:00.000Z',
  command: 'npm run bench -- --quick',
  quick: true,
  machine: {
    cpu: 'AMD EPYC 7B13',
    cpus: 2,
    caches: { L2: '2 MiB' },
    mhz: 2_596,
    memoryBytes: 24 * 2 ** 30,
    kernel: '6.1.0',
    system: 'Debian GNU/Linux 12',
    hypervisor: 'KVM',
  },
  versions: { Weft: 'abc1234', Node: '24.21.0' },
  unquiet: ['make (17) takes 80 % of a CPU.'],
  parts: [
    { name: 'packets', command: 'node forwarder/bench/packets/main.ts --quick', seconds: 130, stolenPercent: 0.4 },
    { name: 'walk', command: 'forwarder/build/bench-walk --quick', seconds: 2, stolenPercent: 0, problem: 'It wrote no figures.' },
  ],
  measurements,
  profiles: [{ case: 'l3-1k', title: 'L3, IPv4', instructions: 200, functions: [{ name: 'route_burst', instructions: 120 }] }],
};
