/** The loop of a fuzzer, on a thread of its own: mutate, run, report what throws or is slow. */
import { parentPort, workerData } from 'node:worker_threads';
import { generator, mutate } from './mutate.ts';
import { Current, type Report, type Target, type Task } from './target.ts';

const slowMs = 100;
const batch = 1000;
const mostFindings = 10;

const task = workerData as Task;
const target: Target = await import(task.module);
const current = new Current(task.shared);
const random = generator(task.seed);
const seen = new Set<string>();
let runs = 0;

async function attempt(data: Buffer): Promise<void> {
  runs += 1;
  const message = await outcome(data);
  if (message === undefined || seen.has(message)) return;
  seen.add(message);
  report({ finding: { message, data } });
}

async function outcome(data: Buffer): Promise<string | undefined> {
  try {
    // A pause of the collector is no finding: the same input must be slow again.
    if ((await elapsed(data)) <= slowMs || (await elapsed(data)) <= slowMs) return undefined;
  } catch (thrown) {
    return thrown instanceof Error ? (thrown.stack ?? thrown.message).split('\n').slice(0, 3).join(' ') : String(thrown);
  }
  return `more than ${slowMs} ms for one input`;
}

/** CPU time, ms: what others do on the machine does not count. */
async function elapsed(data: Buffer): Promise<number> {
  const copy = Buffer.from(data);
  current.begin(copy);
  const before = process.threadCpuUsage();
  const running = target.run(copy);
  if (running !== undefined) await running;
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}

function report(what: Report): void {
  parentPort?.postMessage(what);
}

const end = performance.now() + task.seconds * 1000;
for (const data of target.seeds) await attempt(data);
while (performance.now() < end && seen.size < mostFindings) {
  for (let count = 0; count < batch; count += 1) await attempt(mutate(target.seeds, random));
}
report({ runs });
