/** How fast ports come and go. */
import type { Figures, Part } from './figures.ts';
import { withNamespaces } from './namespaces.ts';
import type { PortsInput } from './ports-job.ts';
import { perform } from './spawn.ts';

async function measureMany(figures: Figures, input: PortsInput): Promise<void> {
  const { add, remove } = await perform({ name: 'ports', input });
  const { count, binding } = input;
  const id = binding === 'none' ? 'program-ports-none' : 'program-ports';
  const what = binding === 'none' ? 'Ports without a link' : 'Ports with a veth pair, a namespace each';
  const common = { group: 'rates', unit: '/s', better: 'more', variant: String(count), size: count } as const;
  const took = (ms: number): string => `all within ${ms.toFixed(0)} ms`;
  figures.add({ ...common, case: id, title: `${what}: published until up`, note: took(add.doneMs) }, (count / add.doneMs) * 1e3);
  figures.add(
    { ...common, case: `${id}-delete`, title: `${what}: deleted until gone`, note: took(remove.doneMs) },
    (count / remove.doneMs) * 1e3,
  );
}

async function measureOne(figures: Figures, namespaces: readonly string[]): Promise<void> {
  const { add, remove } = await perform({ name: 'ports', input: { binding: 'netns', count: 1, namespaces } });
  const common = { group: 'rates', unit: 'ms', better: 'less' } as const;
  figures.add({ ...common, case: 'program-port', title: 'A single veth port: published until up' }, add.doneMs);
  const kernel = 'the kernel waits for its own RCU when an interface goes; the call itself returns at once';
  figures.add(
    { ...common, case: 'program-port-delete', title: 'A single veth port: deleted until its link is gone', note: kernel },
    remove.doneMs,
  );
}

export const portsPart: Part = {
  name: 'ports',
  run: async (figures, quick) => {
    await measureMany(figures, { binding: 'none', count: 256, namespaces: [] });
    const counts = quick ? [64] : [64, 256];
    for (const count of counts) await withNamespaces(count, (namespaces) => measureMany(figures, { binding: 'netns', count, namespaces }));
    await withNamespaces(1, (namespaces) => measureOne(figures, namespaces));
  },
};
