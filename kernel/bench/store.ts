/**
 * How fast the store commits and reads, and how it grows, beside etcd.
 * Usage: node kernel/bench/store.ts [--json FILE] [--quick] [--rounds N]
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { assertDisk } from './api-contestants.ts';
import { Etcd, etcdVersion } from './etcd.ts';
import { Rounds, rowsOf } from './measurement.ts';
import { diskUse, fill, measure, reopen } from './store-cases.ts';

const { values: options } = parseArgs({
  options: { json: { type: 'string' }, quick: { type: 'boolean', default: false }, rounds: { type: 'string' } },
});
const count = Number(options.rounds ?? (options.quick ? 1 : 5));
const [sizes, seconds] = options.quick ? [[1_000, 10_000], 0.3] : [[1_000, 100_000], 0.8];

/** All rounds of one size: filling takes longer than a round. */
async function measureSize(size: number, rounds: Rounds): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'weft-bench-'));
  assertDisk(folder);
  const etcd = etcdVersion() === undefined ? undefined : new Etcd(folder);
  try {
    await etcd?.start();
    process.stderr.write(`filling with ${size} objects\n`);
    const filled = await fill(folder, size, etcd);
    await diskUse(filled, rounds);
    await measure(filled, new Rounds(), seconds / 3);
    for (let index = 0; index < count; index += 1) {
      process.stderr.write(`${size} objects, round ${index + 1} of ${count}\n`);
      await measure(filled, rounds, seconds);
      await reopen(filled, rounds);
    }
    await filled.store.close();
  } finally {
    await etcd?.stop();
    rmSync(folder, { recursive: true });
  }
}

const rounds = new Rounds();
for (const size of sizes) await measureSize(size, rounds);
console.table(rowsOf(rounds.measurements));
console.log(`${count} rounds, samples of ${seconds} s; etcd ${etcdVersion() ?? 'is missing'}`);
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(rounds.measurements, null, 2)}\n`);
if (etcdVersion() === undefined) {
  console.error('etcd is not installed: only the store was measured; npm run bench installs it (package etcd-server)');
  process.exitCode = 1;
}
