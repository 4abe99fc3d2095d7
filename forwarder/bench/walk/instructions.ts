/**
 * Instructions per packet of the walk, counted by callgrind on a fixed load, against the recorded ones (instructions.json): a gate that a noisy
 * machine does not move. Prints a TAP line a case; exits 1 when one differs by more than 3 %, or when the toolchain is another.
 *
 *     node forwarder/bench/walk/instructions.ts [--record REASON] [--json FILE] [--profile FILE] [--baseline FILE] [--build FOLDER]
 *
 * --record moves the baseline instead of comparing; --json writes Measurement[]; --profile writes `Profile[]`.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Measurement } from '../../../kernel/bench/measurement.ts';
import { type Baseline, compareCases, compareToolchain, type Finding, makeBaseline, type Toolchain } from './baseline.ts';
import { type Count, countCase } from './callgrind.ts';

/** Where the instructions of a case are. */
interface Profile {
  readonly case: string;
  readonly title: string;
  /** Destinations. */
  readonly size: number;
  /** Per packet. */
  readonly instructions: number;
  /** Dearest first, those of at least half an instruction per packet. */
  readonly functions: readonly { readonly name: string; readonly instructions: number }[];
}

const forwarder = join(import.meta.dirname, '..', '..');

function build(folder: string): string {
  const program = join(folder, 'bench-count');
  execFileSync('make', ['-s', '-C', forwarder, `BUILD=${folder}`, program], { stdio: ['ignore', 'ignore', 'inherit'] });
  return program;
}

function toolchainOf(program: string): Toolchain {
  const compiled = JSON.parse(execFileSync(program, ['--toolchain'], { encoding: 'utf8' })) as Omit<Toolchain, 'valgrind'>;
  const { stdout, error } = spawnSync('valgrind', ['--version'], { encoding: 'utf8' });
  if (error !== undefined) throw new Error(`valgrind cannot be started (${error.message}); install it: npm run setup -- test`);
  return { ...compiled, valgrind: stdout.trim().replace('valgrind-', '') };
}

/** All cases, as many at a time as there are CPUs. */
async function countAll(program: string): Promise<Count[]> {
  const names = execFileSync(program, ['--list'], { encoding: 'utf8' }).trim().split('\n');
  const folder = mkdtempSync(join(tmpdir(), 'weft-count-'));
  const counts = new Map<string, Count>();
  const queue = [...names];
  const lane = async () => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) counts.set(name, await countCase(program, name, folder));
  };
  try {
    await Promise.all(Array.from({ length: availableParallelism() }, lane));
  } finally {
    rmSync(folder, { recursive: true });
  }
  return names.flatMap((name) => counts.get(name) ?? []);
}

function toMeasurement(count: Count): Measurement {
  return {
    group: 'instructions',
    case: count.case,
    title: count.title,
    size: count.size,
    contestant: 'weft',
    unit: 'instructions',
    better: 'less',
    values: [count.instructions],
  };
}

function toProfile({ functions, ...count }: Count): Profile {
  const dear = [...functions].filter(([, instructions]) => instructions >= 0.5);
  return { ...count, functions: dear.map(([name, instructions]) => ({ name, instructions })) };
}

function report(findings: readonly Finding[]): void {
  console.log(`TAP version 13\n1..${findings.length}`);
  for (const [i, { ok, text }] of findings.entries()) console.log(`${ok ? 'ok' : 'not ok'} ${i + 1} - ${text}`);
  if (findings.some(({ ok }) => !ok)) process.exitCode = 1;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      record: { type: 'string' },
      json: { type: 'string' },
      profile: { type: 'string' },
      baseline: { type: 'string', default: join(import.meta.dirname, 'instructions.json') },
      build: { type: 'string', default: join(forwarder, 'build') },
    },
  });
  if (values.record !== undefined && values.record.trim() === '') throw new Error('--record wants the reason why the baseline moves');
  const program = build(resolve(values.build));
  const toolchain = toolchainOf(program);
  const known = values.record === undefined ? (JSON.parse(readFileSync(values.baseline, 'utf8')) as Baseline) : undefined;
  const first = known === undefined ? undefined : compareToolchain(known, toolchain);
  const wanted = values.json !== undefined || values.profile !== undefined;
  const counts = first?.ok === false && !wanted ? [] : await countAll(program);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(counts.map(toMeasurement), null, 2)}\n`);
  if (values.profile !== undefined) writeFileSync(values.profile, `${JSON.stringify(counts.map(toProfile), null, 2)}\n`);
  if (known !== undefined && first !== undefined) report(first.ok ? [first, ...compareCases(known, counts)] : [first]);
  if (values.record === undefined) return;
  writeFileSync(values.baseline, `${JSON.stringify(makeBaseline(values.record, toolchain, counts), null, 2)}\n`);
  for (const count of counts) console.log(`${count.case.padEnd(14)} ${count.instructions.toFixed(2).padStart(9)} instructions per packet`);
}

try {
  await main();
} catch (error) {
  console.log(`not ok instructions could not be counted: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 2;
}
