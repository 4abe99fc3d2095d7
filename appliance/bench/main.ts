/**
 * `npm run bench [-- OPTIONS]`: measures all parts one after another, and writes figures, plots and a page into bench-results/<time>.
 *
 *     --quick                  few rounds and cases, at most 5 minutes instead of 30
 *     --rounds N               so many rounds of each case
 *     --only PART[,PART]       packets, walk, instructions, rates, appliance, services, api, store
 *     --publish                docs/performance.md and its plots, too
 *     --from FILE              nothing is measured: the page of an earlier result.json
 *     --compare FILE FILE      how the ratios of two runs differ (of groups: --only packets,latency); exit 1 when one does by more than 5 %
 *
 * Wants root, two CPUs and a quiet machine. A part that fails does not end the others: exit 1, and the page says what is missing.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { compareRuns, comparisonTable, disagrees } from './compare.ts';
import { casesOf } from './figures.ts';
import { expectedSeconds, pastSeconds } from './history.ts';
import { describeMachine, describeVersions } from './machine.ts';
import { readNotes } from './notes.ts';
import { unexplained } from './page-differences.ts';
import { parts as allParts, chosenParts, type Part } from './parts.ts';
import { publishPage, writePage } from './publish.ts';
import { whatDisturbs } from './quiet.ts';
import { type BenchResult, readResult } from './result.ts';
import { type PartRun, runPart } from './run-part.ts';

const top = join(import.meta.dirname, '..', '..');
const results = join(top, 'bench-results');
const notes = readNotes(join(import.meta.dirname, 'notes'));

interface Options {
  readonly quick: boolean;
  readonly publish: boolean;
  readonly rounds?: string | undefined;
  readonly only?: string | undefined;
}

function say(line: string): void {
  process.stderr.write(`bench: ${line}\n`);
}

function mustBeAble(): void {
  if (process.getuid?.() !== 0) throw new Error('the bench pins threads and reserves hugepages, which only root may: run it as root');
  if (availableParallelism() < 2)
    throw new Error('the bench needs two CPUs, one that only carries packets and one for all else: this machine has one');
}

function build(parts: readonly Part[]): Map<string, string> {
  const failed = new Map<string, string>();
  for (const target of new Set(parts.flatMap((part) => part.targets))) {
    say(`building ${target}`);
    try {
      execFileSync('make', ['-s', `-j${availableParallelism()}`, '-C', 'forwarder', target], {
        cwd: top,
        stdio: ['ignore', 'inherit', 'inherit'],
      });
    } catch {
      failed.set(target, `\`make -C forwarder ${target}\` failed.`);
    }
  }
  return failed;
}

function minutes(seconds: number): string {
  return seconds < 90 ? `${Math.max(0, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`;
}

/** The part that runs ends itself; none after it begins, and nothing is published. */
function stopAsked(): { by?: number } {
  const stop: { by?: number } = {};
  for (const [signal, number] of [
    ['SIGINT', 2],
    ['SIGTERM', 15],
  ] as const)
    process.on(signal, () => {
      stop.by = number;
      process.exitCode = 128 + number;
    });
  return stop;
}

/** Runs the parts and tells how long the rest will take. */
async function measure(parts: readonly Part[], options: Options, folder: string): Promise<PartRun[]> {
  const past = pastSeconds(results, options.quick);
  const args = [...(options.quick ? ['--quick'] : []), ...(options.rounds === undefined ? [] : ['--rounds', options.rounds])];
  const unbuilt = build(parts);
  const runs: PartRun[] = [];
  const stop = stopAsked();
  for (const [index, part] of parts.entries()) {
    if (stop.by !== undefined) break;
    const missing = part.targets.flatMap((target) => unbuilt.get(target) ?? []);
    const started = performance.now();
    const expected = parts.slice(index).reduce((sum, one) => sum + expectedSeconds(one, options.quick, past), 0);
    const left = () => minutes(expected - (performance.now() - started) / 1_000);
    say(`${index + 1}/${parts.length} ${part.name}: ${part.about}; about ${left()} left in all`);
    if (missing[0] !== undefined) {
      const outcome = { name: part.name, command: part.command.join(' '), seconds: 0, stolenPercent: 0, problem: missing[0] };
      runs.push({ outcome, measurements: [], profiles: [] });
    } else {
      const limitSeconds =
        60 +
        3 *
          Number(options.rounds ?? 1) *
          Math.max(expectedSeconds(part, options.quick, past), options.quick ? part.seconds.quick : part.seconds.full);
      runs.push(
        await runPart(part, { top, folder, args, limitSeconds, onProgress: (line) => say(`${part.name}, ${left()} left | ${line}`) }),
      );
    }
    const problem = runs.at(-1)?.outcome.problem;
    if (problem !== undefined) say(`${part.name} FAILED: ${problem}`);
  }
  return runs;
}

async function newResult(options: Options): Promise<{ result: BenchResult; folder: string }> {
  mustBeAble();
  const parts = chosenParts(options.only);
  const started = new Date().toISOString();
  const folder = join(results, started.replaceAll(':', '-'));
  mkdirSync(folder, { recursive: true });
  const versions = describeVersions(top);
  const unquiet = await whatDisturbs();
  for (const sentence of unquiet) say(`warning: this machine is not quiet: ${sentence}`);
  const runs = await measure(parts, options, folder);
  const flags = [...(options.quick ? ['--quick'] : []), ...(options.rounds === undefined ? [] : [`--rounds ${options.rounds}`])];
  if (options.only !== undefined) flags.push(`--only ${options.only}`);
  const result: BenchResult = {
    started,
    command: ['npm run bench', ...(flags.length === 0 ? [] : ['--', ...flags])].join(' '),
    quick: options.quick,
    machine: describeMachine(),
    versions,
    unquiet,
    parts: runs.map(({ outcome }) => outcome),
    measurements: runs.flatMap(({ measurements }) => measurements),
    profiles: runs.flatMap(({ profiles }) => profiles),
  };
  const file = join(folder, 'result.json');
  writeFileSync(`${file}.new`, `${JSON.stringify(result, null, 2)}\n`);
  renameSync(`${file}.new`, file);
  return { result, folder };
}

function isWhole({ quick, command, parts: measured }: BenchResult): boolean {
  return !quick && !/--(only|rounds)/.test(command) && measured.length === allParts.length;
}

function report(result: BenchResult, folder: string, publish: boolean): void {
  say(`page: ${writePage(result, notes, folder)}`);
  if (publish && !isWhole(result))
    throw new Error('only a whole run is published: without --quick, --only and --rounds, and not interrupted');
  if (publish) say(`published: ${publishPage(result, notes, join(top, 'docs'))}`);
  for (const { case: one, line, measured, percent } of unexplained(casesOf(result.measurements), notes))
    say(
      `${one.title}, ${line.variant}: ${measured.contestant} is ${percent.toFixed(0)} % off its figure on record (${line.unit}), and no note in notes/differences.md says why`,
    );
  const failed = result.parts.filter((part) => part.problem !== undefined);
  for (const part of failed) say(`FAILED: ${part.name}: ${part.problem}`);
  if (failed.length > 0) process.exitCode = 1;
}

function compare(files: readonly string[], groups: string | undefined): void {
  const [a, b] = files;
  if (a === undefined || b === undefined || files.length > 2)
    throw new Error('--compare wants two files: --compare A/result.json B/result.json');
  const { changes, missing } = compareRuns(readResult(a), readResult(b), groups?.split(','));
  if (changes.length === 0)
    throw new Error('the two runs have no ratio in common: both must have measured Weft and a peer in the same case');
  console.log(comparisonTable(changes));
  const apart = changes.filter(disagrees);
  console.log(`\n${changes.length - apart.length} of ${changes.length} ratios agree within 5 %.`);
  for (const what of missing) console.log(`only one of the two runs has: ${what}`);
  if (apart.length + missing.length > 0) process.exitCode = 1;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      only: { type: 'string' },
      publish: { type: 'boolean', default: false },
      from: { type: 'string' },
      compare: { type: 'boolean', default: false },
    },
  });
  if (values.compare) return compare(positionals, values.only);
  if (positionals[0] !== undefined) throw new Error(`"${positionals[0]}" is no option: see the head of appliance/bench/main.ts`);
  if (values.rounds !== undefined && !/^[1-9]\d*$/.test(values.rounds))
    throw new Error(`--rounds wants a number from 1, not "${values.rounds}"`);
  if (values.from !== undefined) return report(readResult(values.from), dirname(values.from), values.publish);
  const { result, folder } = await newResult(values);
  report(result, folder, values.publish);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
