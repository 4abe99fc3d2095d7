/**
 * `npm run bench [-- --rounds N]`: plain L3 forwarding beside testpmd's macswap (the bare limit) on the same in-memory load, in turn, with and
 * without hugepages; then the API. Prints tables, writes bench-results/<time>.json. Wants a quiet machine.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

interface Round {
  readonly macswapMpps: number;
  readonly weftMpps: number;
}

const top = join(import.meta.dirname, '..', '..');
const hugepagesFile = '/proc/sys/vm/nr_hugepages';
const hugepagesWanted = 400;
const secondsPerSample = 4;

function run(program: string, args: readonly string[]): string {
  return execFileSync(program, [...args], { cwd: top, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

function forwarding(rounds: string, hugepages: boolean): Round[] {
  const output = run('sh', ['forwarder/bench/devices.sh', rounds, String(secondsPerSample), hugepages ? '1' : '0']);
  const lines = output.matchAll(/macswap ([\d.]+) Mpps, weft ([\d.]+) Mpps/g);
  return [...lines].map(([, macswap, weft]) => ({ macswapMpps: Number(macswap), weftMpps: Number(weft) }));
}

/** Reserves 2 MB hugepages for the time of `work`, and puts their number back. */
function withHugepages<T>(work: () => T): T {
  const before = readFileSync(hugepagesFile, 'utf8');
  writeFileSync(hugepagesFile, String(hugepagesWanted));
  try {
    return work();
  } finally {
    writeFileSync(hugepagesFile, before);
  }
}

function summary(name: string, rounds: readonly Round[]): Record<string, string | number> {
  const ratios = rounds.map(({ macswapMpps, weftMpps }) => (100 * weftMpps) / macswapMpps);
  const range = (values: readonly number[]) =>
    `${median(values).toFixed(1)} (${Math.min(...values).toFixed(1)}–${Math.max(...values).toFixed(1)})`;
  return {
    case: name,
    'macswap Mpps': range(rounds.map(({ macswapMpps }) => macswapMpps)),
    'weft Mpps': range(rounds.map(({ weftMpps }) => weftMpps)),
    'ratio %': range(ratios),
  };
}

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } });
run('make', ['-s', '-C', 'forwarder', 'bench-devices']);
const plain = forwarding(values.rounds, false);
const huge = withHugepages(() => forwarding(values.rounds, true));
console.log(`L3, 1,000 /24 routes, 1,000 flows, 64 B, one core; medians and ranges of ${values.rounds} rounds of ${secondsPerSample} s`);
console.table([summary('4 KiB pages (the default)', plain), summary('2 MB hugepages', huge)]);
console.log(run('node', ['kernel/bench/api.ts']));

mkdirSync(join(top, 'bench-results'), { recursive: true });
const file = join(top, 'bench-results', `${new Date().toISOString().replaceAll(':', '-')}.json`);
const machine = { cpu: cpus()[0]?.model, cores: cpus().length, kernel: release(), node: process.version };
writeFileSync(file, `${JSON.stringify({ machine, l3: { plain, huge } }, null, 2)}\n`);
console.log(`figures: ${file}`);
