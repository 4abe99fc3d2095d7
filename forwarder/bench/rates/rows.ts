/** Rows per second: how fast tables are filled and emptied, alone and under load. */
import { type Figures, type Part, type Subject, short } from './figures.ts';
import { routedLoad } from './load.ts';
import type { RowSet } from './ops.ts';
import type { Manner } from './rows-job.ts';
import { perform } from './spawn.ts';

interface Case {
  readonly set: RowSet['name'];
  readonly manner: Manner;
  readonly counts: readonly number[];
  readonly quick: readonly number[];
  /** What a reader calls the rows. */
  readonly what: string;
}

const cases: readonly Case[] = [
  { set: 'routes', manner: 'parts', counts: [1e3, 1e5, 1e6], quick: [1e3, 1e5], what: 'Routes, neighbouring /24' },
  { set: 'routes-spread', manner: 'parts', counts: [1e5, 1e6], quick: [1e5], what: 'Routes, /24 spread at random' },
  { set: 'macs', manner: 'parts', counts: [1e3, 1e5, 1e6], quick: [1e5], what: 'MAC addresses' },
  { set: 'neighbors', manner: 'parts', counts: [1e3, 1e5], quick: [1e5], what: 'Neighbours' },
  { set: 'nexthops', manner: 'parts', counts: [1e3, 1e5], quick: [1e5], what: 'Next hops' },
  { set: 'routes', manner: 'staged', counts: [1e5], quick: [1e5], what: 'Routes, staged by 1,000 and published as one' },
  { set: 'routes', manner: 'whole', counts: [1e5], quick: [], what: 'Routes, all in one call' },
  { set: 'routes', manner: 'single', counts: [1e3], quick: [1e3], what: 'Routes, one a call' },
];

/** Publishing takes the writer lock, and the host's Worker waits; the host's rule is 2 ms a part of 1,000 rows. */
const callTargetMs = 2;
const byParts = 'published by 1,000, as forwarder/host cuts batches; time in the calls of libforwarder only';

async function measure(figures: Figures, { set, manner, what }: Case, count: number): Promise<void> {
  const { add, remove } = await perform({ name: 'rows', input: { set, count, manner } });
  const id = manner === 'parts' ? `program-${set}` : `program-${set}-${manner}`;
  const size = { variant: short(count), size: count };
  const rate = { group: 'rates', unit: '/s', better: 'more', ...(manner === 'parts' ? { note: byParts } : {}), ...size } as const;
  figures.add({ ...rate, case: id, title: `${what}: added` }, add.perSecond);
  figures.add({ ...rate, case: `${id}-delete`, title: `${what}: deleted` }, remove.perSecond);
  if (manner === 'single') return;
  const longest: Subject = { group: 'rates', case: `${id}-call`, title: `${what}: longest call`, unit: 'ms', better: 'less', ...size };
  figures.add({ ...longest, ...(manner === 'parts' ? { target: callTargetMs } : {}) }, Math.max(add.longestMs, remove.longestMs));
}

async function measurePacking(figures: Figures): Promise<void> {
  const { packedPerSecond } = await perform({ name: 'rows', input: { set: 'routes', count: 1_000, manner: 'parts' } });
  const title = 'Routes: packed into operations by a plugin';
  figures.add(
    { group: 'rates', case: 'program-packed', title, unit: '/s', better: 'more', note: 'one thread of JavaScript, packUpsert' },
    packedPerSecond,
  );
}

/** 100,000 routes come and go in a VRF through which the packet thread forwards all it can, and in one with a moderate load. */
async function measureProgramming(figures: Figures): Promise<void> {
  const count = 100_000;
  const moderate = 1_000_000;
  const full = await perform({ name: 'programming', input: { set: 'routes', count } }, routedLoad());
  const common = { group: 'rates', variant: `${short(count)} routes`, size: count } as const;
  const title = 'Routes added and deleted while the packet thread forwards all it can';
  const { before, during, dropped, received } = full;
  const mpps = `${(before / 1e6).toFixed(1)} → ${(during / 1e6).toFixed(1)} Mpps; ${dropped} of ${received} frames dropped`;
  figures.add(
    { ...common, case: 'program-loaded', title: `${title}: rows`, unit: '/s', better: 'more' },
    2 / (1 / full.add.perSecond + 1 / full.remove.perSecond),
  );
  figures.add(
    { ...common, case: 'program-loaded-throughput', title: `${title}: throughput kept`, unit: '%', better: 'more', note: mpps },
    (during / before) * 100,
  );
  figures.add(
    { ...common, case: 'program-loaded-loss', title: `${title}: loss`, unit: 'ppm', better: 'less', target: 0 },
    (dropped / received) * 1e6,
  );
  const { latency } = await perform({ name: 'programming', input: { set: 'routes', count } }, routedLoad(moderate));
  const quiet: Subject = { group: 'rates', case: 'program-loaded-latency', title: 'Latency at 1 Mpps (p99)', unit: 'µs', better: 'less' };
  const most = (us: number): string => `longest ${us.toFixed(0)} µs`;
  figures.add({ ...quiet, variant: 'no rows change', note: most(latency.before.most) }, latency.before.p99);
  figures.add({ ...quiet, variant: '100 k routes come and go', note: most(latency.during.most) }, latency.during.p99);
}

export const rowsPart: Part = {
  name: 'rows',
  run: async (figures, quick) => {
    for (const one of cases) for (const count of quick ? one.quick : one.counts) await measure(figures, one, count);
    await measurePacking(figures);
  },
};

export const programmingPart: Part = { name: 'programming', run: measureProgramming };
