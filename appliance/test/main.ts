/**
 * `npm test`: every suite that fits 20 minutes; `--long`: the others. Suites run one after another, because several of them measure
 * loss and idle cost; so do the files of the last one. The last line is `N passed, N failed`.
 */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

interface Suite {
  readonly name: string;
  readonly command: readonly string[];
}

const top = join(import.meta.dirname, '..', '..');
const c = '-C forwarder';
const ava = (config: string): readonly string[] => ['ava', '--tap', '--config', config];

const suites: readonly Suite[] = [
  { name: 'forwarder in C (ASan, UBSan)', command: ['sh', '-c', `make -s -j${availableParallelism()} ${c} programs && make -s ${c} test`] },
  { name: 'instructions per packet', command: ['node', 'forwarder/bench/walk/instructions.ts'] },
  { name: 'units', command: ava('ava.config.js') },
  { name: 'whole appliance, two at a time', command: ava('ava.system.config.js') },
  { name: 'whole appliance, alone', command: ava('ava.alone.config.js') },
];
const long: readonly Suite[] = [
  { name: 'forwarder in C (TSan)', command: ['make', '-s', '-C', 'forwarder', 'oracle', 'build/tsan/oracle', 'tsan'] },
  { name: 'whole appliance, long', command: ava('ava.long.config.js') },
];

interface Tally {
  passed: number;
  failed: number;
}

/** Runs a suite that prints `ok …` and `not ok …` lines; a suite that dies or counts nothing has failed once more. */
function runSuite(suite: Suite, tally: Tally): Promise<void> {
  const [program = '', ...args] = suite.command;
  console.log(`\n── ${suite.name}`);
  const before = tally.failed + tally.passed;
  const failedBefore = tally.failed;
  const begin = performance.now();
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: top, stdio: ['ignore', 'pipe', 'inherit'] });
    let rest = '';
    child.stdout.on('data', (chunk) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line.startsWith('ok ')) tally.passed++;
        if (line.startsWith('not ok ')) tally.failed++;
        if (!/^(TAP version|1\.\.|# )/.test(line)) console.log(line);
      }
    });
    child.on('close', (code) => {
      const silent = tally.failed + tally.passed === before;
      if (silent || (code !== 0 && tally.failed === failedBefore)) {
        tally.failed++;
        console.log(`not ok ${suite.name}: ended with ${code}${silent ? ' and ran no test' : ''}`);
      }
      console.log(`── ${suite.name}: ${Math.round((performance.now() - begin) / 1000)} s`);
      resolve();
    });
  });
}

const tally: Tally = { passed: 0, failed: 0 };
for (const suite of process.argv.includes('--long') ? long : suites) await runSuite(suite, tally);
console.log(`\n${tally.passed} passed, ${tally.failed} failed`);
process.exitCode = tally.failed === 0 ? 0 : 1;
