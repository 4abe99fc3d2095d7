/** Whether a packet after a silence waits for a forwarder that has gone to sleep: pings between two network namespaces. */
import { setTimeout as sleep } from 'node:timers/promises';
import { median, type Rounds } from '../../kernel/bench/measurement.ts';
import type { Vms } from '../run/vms.ts';
import { type Extent, silenceSeconds } from './extent.ts';

/** What ping says of each answer, milliseconds. Throws an Error unless all came. */
async function ping(vms: Vms, vm: string, target: string, count: number, intervalSeconds: string): Promise<number[]> {
  const { stdout, stderr } = await vms.exec(vm, ['ping', '-n', '-c', String(count), '-i', intervalSeconds, '-W', '2', target]);
  const times = [...stdout.matchAll(/time=([\d.]+) ms/g)].map(([, time]) => Number(time));
  if (times.length !== count) throw new Error(`${times.length} of ${count} pings of ${target} were answered: ${stdout}${stderr}`);
  return times;
}

/** Round trips in turn: after seconds of silence, and in a row. */
export async function measureFirstPacket(
  vms: Vms,
  pair: { from: string; to: string },
  rounds: Rounds,
  { silences }: Extent,
): Promise<void> {
  await ping(vms, pair.from, pair.to, 5, '0.1');
  const note =
    'A ping between two network namespaces of this machine: its way through the network stack of Linux, twice in each direction, is in it.';
  const figure = { group: 'appliance', case: 'first-packet', title: 'Ping between two VMs', contestant: 'weft', unit: 'ms', note } as const;
  for (let index = 0; index < silences; index += 1) {
    await sleep(silenceSeconds * 1000);
    const [first = Number.NaN] = await ping(vms, pair.from, pair.to, 1, '1');
    rounds.add({ ...figure, variant: `the first after ${silenceSeconds} s of silence`, better: 'less' }, first);
    const steady = median(await ping(vms, pair.from, pair.to, 50, '0.01'));
    rounds.add({ ...figure, variant: 'every 10 ms', better: 'less' }, steady);
  }
}
