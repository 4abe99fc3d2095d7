/** How long a start takes, from the command to "ready", and what is held then; with nothing stored and with ports. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Rounds } from '../../kernel/bench/measurement.ts';
import { Appliance } from '../run/appliance.ts';
import { type Extent, portsTitle } from './extent.ts';
import { addGrowth, addMemory, type Held, holdings } from './memory.ts';
import { networkObject, storePorts } from './objects.ts';

/** Until what a start leaves to be done is done. */
const settleMs = 1_500;
const note =
  'From the command weft up to "ready": kernel, forwarder and all plugins serve, and what is stored is with the forwarder. Ports are bound to nothing.';

/** Starts, settles, is looked into, stops. Returns what its processes held. */
async function startOnce(appliance: Appliance, rounds: Rounds, ports: number): Promise<Held[]> {
  try {
    const begin = performance.now();
    await appliance.start();
    const seconds = (performance.now() - begin) / 1000;
    const figure = { group: 'appliance', case: 'start', title: 'Start until ready', contestant: 'weft', unit: 's', note } as const;
    // 1 stands for none on a logarithmic axis
    rounds.add({ ...figure, variant: portsTitle(ports), size: Math.max(1, ports), better: 'less' }, seconds);
    await sleep(settleMs);
    const held = await holdings(appliance);
    addMemory(rounds, held, ports);
    return held;
  } finally {
    await appliance.stop(ports === 0);
  }
}

async function fill(appliance: Appliance, from: number, to: number): Promise<void> {
  try {
    await appliance.start();
    if (from === 0) await appliance.apply([networkObject()]);
    await storePorts(appliance, from, to);
  } finally {
    await appliance.stop(false);
  }
}

/** Starts in state folders of their own with nothing in them, then in one that grows. */
export async function measureStarts(rounds: Rounds, { starts, sizes }: Extent): Promise<void> {
  // the first start of a clone keeps the programs without their types; all later ones find them
  await startOnce(new Appliance(), new Rounds(), 0);
  const empty: Held[][] = [];
  for (let index = 0; index < starts; index += 1) empty.push(await startOnce(new Appliance(), rounds, 0));
  const appliance = new Appliance();
  let stored = 0;
  try {
    for (const size of sizes) {
      await fill(appliance, stored, size);
      stored = size;
      for (const before of empty) addGrowth(rounds, before, await startOnce(appliance, rounds, size), size);
    }
  } finally {
    await appliance.stop();
  }
}
