/** How long it takes until packets flow: from nothing, and after a forwarder was killed. */
import { type Figures, type Part, type Subject, short } from './figures.ts';
import { routedLoad } from './load.ts';
import { makePlace, perform } from './spawn.ts';
import type { StartOutput } from './start-job.ts';

const how = "from the start of Node's process to the first packet out";

function add(figures: Figures, output: StartOutput, subject: Pick<Subject, 'group' | 'case' | 'title' | 'variant' | 'size'>): void {
  const { start, startToPacket, processToPacket, rows } = output;
  const common = { ...subject, unit: 's', better: 'less' } as const;
  figures.add({ ...common, note: `${how}; ${rows} rows taken over` }, processToPacket);
  const call = {
    case: `${subject.case}-call`,
    title: `${subject.title}: from fwd_start on`,
    note: `fwd_start itself ${start.toFixed(2)} s`,
  };
  figures.add({ ...common, ...call }, startToPacket);
}

/** With so many routes a start is like one with none, and is told once a round. */
const fewest = 100_000;

/** A forwarder begins with nothing, gets its rows, is killed, and another one takes its state memory over. */
async function measureRestart(figures: Figures, routes: number): Promise<void> {
  const place = makePlace();
  try {
    const first = await perform({ name: 'start', input: { state: 'empty', routes } }, routedLoad(), place);
    const begun = { group: 'rates', case: 'start', title: 'Start until a packet is forwarded' };
    if (routes === fewest) add(figures, first, begun);
    const next = await perform({ name: 'start', input: { state: 'found', routes } }, routedLoad(), place);
    const title = 'Killed and started again, until a packet is forwarded';
    add(figures, next, { group: 'scale', case: 'restart', title, variant: `${short(routes)} routes`, size: routes });
  } finally {
    place.close();
  }
}

export const startPart: Part = {
  name: 'start',
  run: async (figures, quick) => {
    for (const routes of quick ? [fewest] : [fewest, 1_000_000]) await measureRestart(figures, routes);
  },
};
