/** What doing nothing costs. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Rounds } from '../../kernel/bench/measurement.ts';
import { type Appliance, usage } from '../run/appliance.ts';
import type { Extent } from './extent.ts';

/** So that what a start leaves to be done is over. */
const settleSeconds = 2;

/** CPU time of every process while nothing happens, in percent of one core. */
export async function measureIdle(appliance: Appliance, rounds: Rounds, { idleSeconds }: Extent): Promise<void> {
  const processes = [...(await appliance.processes()), { name: 'launcher', pid: appliance.launcherPid }];
  await sleep(settleSeconds * 1000);
  const before = processes.map(({ pid }) => usage(pid).cpuSeconds);
  const begin = performance.now();
  await sleep(idleSeconds * 1000);
  const seconds = (performance.now() - begin) / 1000;
  const spent = processes.map(({ name, pid }, index) => {
    return { name, percent: (100 * (usage(pid).cpuSeconds - (before[index] ?? Number.NaN))) / seconds };
  });
  const together = { name: 'together', percent: spent.reduce((sum, { percent }) => sum + percent, 0) };
  const note = `In ${idleSeconds} s without packets or changes, by the kernel's count in steps of 10 ms; ports of two network namespaces are bound.`;
  const figure = { group: 'appliance', case: 'idle', title: 'CPU at idle, of one core', contestant: 'weft', unit: '%', note } as const;
  for (const { name, percent } of [...spent, together]) rounds.add({ ...figure, variant: name, better: 'less' }, percent);
}
