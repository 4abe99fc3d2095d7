/**
 * How fast the API reads, writes and tells, beside etcd: the real store, registry, pipeline and HTTP server on a unix socket, no plugins.
 * Usage: node kernel/bench/api.ts [--json FILE] [--quick] [--rounds N]
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { apiCases, type Extent } from './api-cases.ts';
import { assertDisk, type Contestant, startEtcd, startWeft } from './api-contestants.ts';
import { etcdVersion } from './etcd.ts';
import { Rounds, rowsOf } from './measurement.ts';

const { values: options } = parseArgs({
  options: { json: { type: 'string' }, quick: { type: 'boolean', default: false }, rounds: { type: 'string' } },
});
const count = Number(options.rounds ?? (options.quick ? 1 : 3));
const extent: Extent = options.quick
  ? { seconds: 0.5, applies: 2, watchers: [1, 100], changes: 20 }
  : { seconds: 1, applies: 4, watchers: [1, 10, 100], changes: 100 };
/** Under load before anything counts: programs that compile while they run must not be measured doing so. */
const warmUp: Extent = { seconds: 0.4, applies: 1, watchers: [1], changes: 1 };

async function contestants(folder: string): Promise<Contestant[]> {
  const weft = await startWeft(join(folder, 'weft'));
  if (etcdVersion() === undefined) return [weft];
  try {
    return [weft, await startEtcd(folder, weft.sample)];
  } catch (error) {
    await weft.stop();
    throw error;
  }
}

/** Both serve at once, idle while the other is measured; who comes first changes from round to round. */
async function round(index: number, rounds: Rounds): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'weft-bench-'));
  assertDisk(folder);
  const all = await contestants(folder);
  try {
    const inTurn = index % 2 === 0 ? all : all.toReversed();
    for (const contestant of inTurn) for (const one of apiCases) if (one.name !== 'post') await one.run(contestant, new Rounds(), warmUp);
    for (const one of apiCases) {
      process.stderr.write(`round ${index + 1} of ${count}: ${one.name}\n`);
      for (const contestant of inTurn) await one.run(contestant, rounds, extent);
    }
  } finally {
    for (const contestant of all) await contestant.stop();
    rmSync(folder, { recursive: true });
  }
}

const rounds = new Rounds();
for (let index = 0; index < count; index += 1) await round(index, rounds);
console.table(rowsOf(rounds.measurements));
console.log(`${count} rounds with new servers; samples under load of ${extent.seconds} s; etcd ${etcdVersion() ?? 'is missing'}`);
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(rounds.measurements, null, 2)}\n`);
if (etcdVersion() === undefined) {
  console.error('etcd is not installed: only Weft was measured; npm run bench installs it (package etcd-server)');
  process.exitCode = 1;
}
