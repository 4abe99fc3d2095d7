/** `npm run fuzz [-- --seconds N] [NAME…]`: every fuzzer, or those named; as many at a time as there are cores; N seconds each (default 1,800). Exit 1: findings. */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

interface Fuzzer {
  readonly name: string;
  /** Program and arguments for a run of so many seconds. */
  command(seconds: string): readonly string[];
}

const top = join(import.meta.dirname, '..', '..');
const inC = (name: string): Fuzzer => ({
  name,
  command: (seconds) => ['make', '-s', '-C', 'forwarder', `fuzz-${name}`, `FUZZ_SECONDS=${seconds}`],
});
const inNode = (plugin: string, target = 'fuzz'): Fuzzer => ({
  name: target.replace('fuzz', plugin),
  command: (seconds) => ['node', 'appliance/fuzz/run.ts', `plugins/${plugin}/test/${target}.ts`, '--seconds', seconds],
});
const ofApi: Fuzzer = { name: 'api', command: (seconds) => ['node', '--expose-gc', 'kernel/test/fuzz/main.ts', '--seconds', seconds] };
const fuzzers: readonly Fuzzer[] = [
  inC('flows'),
  inC('frame'),
  inC('nat'),
  inC('rows'),
  inNode('dhcp'),
  inNode('dhcp', 'fuzz-v6'),
  inNode('dns'),
  inNode('dns', 'fuzz-stream'),
  inNode('dns', 'fuzz-records'),
  inNode('dns/resolver'),
  inNode('metadata'),
  inNode('metadata', 'fuzz-http'),
  ofApi,
];

function run({ name, command }: Fuzzer, seconds: string): Promise<boolean> {
  const [program = '', ...args] = command(seconds);
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: top, stdio: ['ignore', 'pipe', 'pipe'] });
    let tail = '';
    const keep = (chunk: Buffer) => (tail = (tail + chunk).slice(-2_000));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('close', (code) => {
      const lines = tail.trim().split('\n');
      console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name}: ${code === 0 ? lines.at(-1) : lines.join('\n')}`);
      resolve(code === 0);
    });
  });
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { seconds: { type: 'string', default: '1800' } } });
const queue = fuzzers.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
let clean = true;
const lane = async (): Promise<void> => {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) clean = (await run(next, values.seconds)) && clean;
};
await Promise.all(Array.from({ length: availableParallelism() }, lane));
process.exitCode = clean ? 0 : 1;
