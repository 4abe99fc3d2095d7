/**
 * The whole appliance: its start, its memory, its idling, and the way from an object or a packet to what comes of it. Needs root.
 * Usage: node appliance/bench/appliance.ts [--json FILE] [--quick] [--rounds N] [--only start|live]
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Rounds, rowsOf } from '../../kernel/bench/measurement.ts';
import { Appliance } from '../run/appliance.ts';
import { Vms } from '../run/vms.ts';
import { type Extent, fullExtent, quickExtent } from './extent.ts';
import { measureFirstPacket } from './first-packet.ts';
import { measureIdle } from './idle.ts';
import { measureCommand, measurePorts, networkObject } from './objects.ts';
import { measureStarts } from './start.ts';

const { values: options } = parseArgs({
  options: {
    json: { type: 'string' },
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    only: { type: 'string' },
  },
});
if (options.only !== undefined && !['start', 'live'].includes(options.only))
  throw new Error(`--only is start or live, not ${options.only}`);

function step(name: string): void {
  process.stderr.write(`appliance: ${name}\n`);
}

/** What one running appliance shows. */
async function measureLive(rounds: Rounds, extent: Extent): Promise<void> {
  const appliance = new Appliance();
  const vms = new Vms('bench');
  try {
    await appliance.start();
    await appliance.apply([networkObject()]);
    for (const [vm, address] of [
      ['first', '10.64.0.11'],
      ['second', '10.64.0.12'],
    ] as const)
      await vms.join(appliance, { vm, project: 'default', network: 'bench', address }, '10.64.0.1');
    step('first packet');
    await measureFirstPacket(vms, { from: 'first', to: '10.64.0.12' }, rounds, extent);
    step('idle');
    await measureIdle(appliance, rounds, extent);
    step('command');
    await measureCommand(appliance, rounds, extent);
    step('ports');
    await measurePorts(appliance, vms, rounds, extent);
  } finally {
    await appliance.stop();
    await vms.remove();
  }
}

const extent = options.quick ? quickExtent : fullExtent;
const rounds = new Rounds();
if (options.only !== 'live') {
  step('starts and memory');
  await measureStarts(rounds, { ...extent, ...(options.rounds !== undefined && { starts: Number(options.rounds) }) });
}
if (options.only !== 'start') {
  const count = Number(options.rounds ?? (options.quick ? 1 : 2));
  for (let index = 0; index < count; index += 1) await measureLive(rounds, extent);
}
console.table(rowsOf(rounds.measurements));
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(rounds.measurements, null, 2)}\n`);
