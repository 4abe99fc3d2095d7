/** `node kernel/test/fuzz/main.ts [--requests N | --seconds N] [--seed N]`: fuzzes the API. Exit 1: findings. */
import { parseArgs } from 'node:util';
import { fuzzApi, randomSeed } from './run.ts';

const { values } = parseArgs({ options: { requests: { type: 'string' }, seconds: { type: 'string' }, seed: { type: 'string' } } });
const seed = Number(values.seed ?? randomSeed());
/** One run; of many, each begins with a store of its own. */
const perRun = 20_000;
/** One request in twenty is sent as bytes on a socket. */
const rawShare = 0.05;
/** Of the heap in one run, whose objects are all deleted again; bytes. */
const mostGrowth = 64 * 2 ** 20;

async function run(requests: number, from: number): Promise<number> {
  const closers: (() => unknown)[] = [];
  const raw = Math.floor(requests * rawShare);
  try {
    const report = await fuzzApi({ teardown: (close) => void closers.push(close) }, { seed: from, requests: requests - raw, raw });
    for (const finding of report.findings) console.error(finding);
    const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
    const counts = Object.entries(report.statuses).map(([status, count]) => `${status}: ${count}`);
    const { early, late } = report.heap;
    console.error(`seed ${from}: ${counts.join(', ')}; heap ${mib(early)} → ${mib(late)} MiB`);
    // without a collection it says nothing
    const leaks = globalThis.gc !== undefined && late - early > mostGrowth;
    if (leaks) console.error(`the heap has grown by more than ${mib(mostGrowth)} MiB`);
    return report.findings.length + (leaks ? 1 : 0);
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

const end = performance.now() + Number(values.seconds ?? 0) * 1_000;
const wanted = values.seconds === undefined ? Number(values.requests ?? perRun) : Number.POSITIVE_INFINITY;
let [done, findings] = [0, 0];
for (let round = 0; done < wanted && findings === 0; round += 1) {
  const requests = Math.min(perRun, wanted - done);
  findings += await run(requests, seed + round);
  done += requests;
  if (values.seconds !== undefined && performance.now() > end) break;
}
console.log(`api: ${done} requests, ${findings} findings (seed ${seed})`);
process.exitCode = findings === 0 ? 0 : 1;
