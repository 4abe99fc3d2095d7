/**
 * Feeds mutated seeds to a fuzz target: `run.ts MODULE [--seconds N] [--seed N]`. Exit 0: no finding; 1: findings, their inputs stand in
 * build/fuzz/NAME/; 2: wrong usage. A throw, more than 100 ms for one input, and an input that never ends are findings.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { Current, type Finding, type Report, type Task } from './target.ts';

const watchMs = 2000;

/** Resolves with the number of findings. Rejects when the module cannot be loaded. */
function fuzz(name: string, task: Task): Promise<number> {
  const current = new Current(task.shared);
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: task });
  let findings = 0;
  const record = ({ message, data }: Finding): void => {
    findings += 1;
    console.error(`${name}: ${message} (${save(name, data)})`);
  };
  return new Promise((settle, reject) => {
    let count = 0;
    const watch = setInterval(() => {
      // Before the first input the module is still loading.
      if (current.count === 0 || current.count !== count) {
        count = current.count;
        return;
      }
      record({ message: `does not end within ${watchMs} ms`, data: current.input() });
      finish(count);
    }, watchMs);
    const finish = (runs: number): void => {
      clearInterval(watch);
      console.log(`${name}: ${runs} inputs, ${findings} findings (seed ${task.seed})`);
      void worker.terminate().then(() => settle(findings));
    };
    worker.on('message', (report: Report) => ('finding' in report ? record(report.finding) : finish(report.runs)));
    worker.on('error', (error) => {
      clearInterval(watch);
      reject(error);
    });
  });
}

function save(name: string, data: Uint8Array): string {
  const folder = join(import.meta.dirname, '../../build/fuzz', name);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, createHash('sha256').update(data).digest('hex').slice(0, 16));
  writeFileSync(file, data);
  return file;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string', default: String(Date.now() % 1_000_000) } },
});
const [module] = positionals;
if (module === undefined || !(Number(values.seconds) > 0)) {
  console.error('error: no target: run.ts MODULE [--seconds N] [--seed N]');
  process.exitCode = 2;
} else {
  const path = resolve(module);
  // plugins/dhcp/test/fuzz.ts is the target of dhcp.
  const name = basename(dirname(dirname(path)));
  const task = { module: pathToFileURL(path).href, seconds: Number(values.seconds), seed: Number(values.seed), shared: Current.memory() };
  process.exitCode = (await fuzz(name, task)) === 0 ? 0 : 1;
}
