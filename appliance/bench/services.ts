/**
 * What services stand: DHCP, DNS and metadata under load, and all of them while one VM floods; with the CPU that each process takes for it. Needs root.
 * Usage: node appliance/bench/services.ts [--json FILE] [--quick] [--rounds N] [--only clients|metadata|storm]
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Rounds, rowsOf } from '../../kernel/bench/measurement.ts';
import { Appliance } from '../run/appliance.ts';
import { startNameServer } from '../run/upstream.ts';
import { Vms } from '../run/vms.ts';
import { measureClients } from './services-clients.ts';
import { measureMetadata } from './services-metadata.ts';
import { measureStorm } from './services-storm.ts';

const { values: options } = parseArgs({
  options: {
    json: { type: 'string' },
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    only: { type: 'string' },
  },
});
const measures = { clients: measureClients, metadata: measureMetadata, storm: measureStorm };
if (options.only !== undefined && !(options.only in measures))
  throw new Error(`--only is ${Object.keys(measures).join(', ')}, not ${options.only}`);

const rounds = new Rounds();
const seconds = options.quick ? 2 : 6;
const count = Number(options.rounds ?? (options.quick ? 1 : 2));
const upstream = await startNameServer();
try {
  for (let round = 0; round < count; round += 1) {
    for (const [name, measure] of Object.entries(measures)) {
      if (options.only !== undefined && options.only !== name) continue;
      process.stderr.write(`services: round ${round + 1} of ${count}, ${name}\n`);
      // Each on an appliance of its own: a storm's leftovers are none of the others' figures.
      const appliance = new Appliance({ settings: `plugins: { dns: { upstreams: ["127.0.0.1:${upstream.port}"] } }\n` });
      const vms = new Vms('services');
      try {
        await appliance.start();
        await measure(appliance, vms, rounds, seconds);
      } finally {
        await appliance.stop();
        await vms.remove();
      }
    }
  }
} finally {
  upstream.close();
}
console.table(rowsOf(rounds.measurements));
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(rounds.measurements, null, 2)}\n`);
