/** Memory per object, by the difference of two sizes, and whether the largest tables fit. */
import type { Figures, Part, Subject } from './figures.ts';
import type { MemoryInput } from './memory-job.ts';
import { withNamespaces } from './namespaces.ts';
import { perform } from './spawn.ts';

const mib = 2 ** 20;
const whole = 'private and shared pages (PSS) with the state memory';

interface Case {
  readonly id: string;
  readonly title: string;
  readonly input: MemoryInput;
  /** MiB for all rows of the larger size. */
  readonly target?: number;
  readonly quick?: boolean;
  readonly note?: string;
}

const namespaces: readonly string[] = [];

const cases: readonly Case[] = [
  { id: 'route', title: 'Route, neighbouring /24', input: { set: 'routes', small: 1e5, large: 1e6, namespaces }, target: 256, quick: true },
  {
    id: 'route-spread',
    title: 'Route, /24 spread at random',
    input: { set: 'routes-spread', small: 1e5, large: 1e6, namespaces },
    target: 256,
  },
  {
    id: 'vrf-routes',
    title: 'Route, 1,000 VRFs × 1,000',
    input: { set: 'vrf-routes', small: 1e5, large: 1e6, namespaces },
    target: 256,
    quick: true,
  },
  { id: 'mac', title: 'MAC address', input: { set: 'macs', small: 1e5, large: 1e6, namespaces } },
  { id: 'neighbor', title: 'Neighbour', input: { set: 'neighbors', small: 1e5, large: 1e6, namespaces } },
  { id: 'nexthop', title: 'Next hop', input: { set: 'nexthops', small: 1e4, large: 1e5, namespaces } },
  { id: 'port-none', title: 'Port without a link', input: { set: 'ports', small: 1e3, large: 1e4, namespaces } },
];

async function measure(figures: Figures, { id, title, input, target, note = whole }: Case): Promise<void> {
  const { empty, small, large } = await perform({ name: 'memory', input });
  const rows = input.large - input.small;
  const object: Subject = { group: 'scale', case: `memory-${id}`, title, unit: 'B', better: 'less' };
  figures.add({ ...object, variant: 'all', note }, (large.pss - small.pss) / rows);
  figures.add({ ...object, variant: 'state memory' }, (large.state - small.state) / rows);
  if (target === undefined) return;
  const all: Subject = {
    group: 'scale',
    case: `memory-${id}-all`,
    title: `${title}: all of 1 M`,
    unit: 'MiB',
    better: 'less',
    target,
    note,
  };
  const grown = Math.max(large.pss - empty.pss, large.rss - empty.rss);
  figures.add(all, grown / mib);
}

export const memoryPart: Part = {
  name: 'memory',
  once: true,
  run: async (figures, quick) => {
    for (const one of cases) if (!quick || one.quick) await measure(figures, one);
    if (quick) return;
    const note = "of the forwarder's process; what the kernel takes for a veth pair comes on top";
    await withNamespaces(256, (names) => {
      const input: MemoryInput = { set: 'veth', small: 64, large: 256, namespaces: names };
      return measure(figures, { id: 'port-veth', title: 'Port with a veth pair', input, note });
    });
  },
};
