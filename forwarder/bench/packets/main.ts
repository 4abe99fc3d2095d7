/**
 * Weft beside its peers on the same packets and the same core, in turn. Prints a table, says on stderr how far it is; `--json FILE` writes
 * Measurement[]. Exits 0 only if it measured everything that it should. Needs root, two CPUs and a quiet machine.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { type Measurement, median } from '../../../kernel/bench/measurement.ts';
import type { BenchCase, Variant } from './cases.ts';
import { ovs } from './contestants/ovs.ts';
import { testpmd } from './contestants/testpmd.ts';
import { weft } from './contestants/weft.ts';
import { measureLatency } from './latency.ts';
import { chosenCases, type Options, parseOptions, usage } from './options.ts';
import { provide } from './provisions.ts';
import { recorded } from './recorded.ts';
import { type Failure, Judge, measurements, runRounds } from './rounds.ts';
import { type Place, takeSample } from './sample.ts';
import type { Contestant } from './scenario.ts';
import { table } from './table.ts';

const all: readonly Contestant[] = [testpmd, weft, ovs];
const controlCpu = 0;

interface Outcome {
  readonly measured: Measurement[];
  readonly failures: Failure[];
}

const say = (text: string): void => console.error(text);

/** Those that are asked for. Throws an Error when one is not there: who is left out must be left out by name, with --contestants. */
function installed(names: readonly string[] | undefined): Contestant[] {
  return all.filter((contestant) => {
    if (names?.includes(contestant.name) === false) return false;
    const version = contestant.version();
    if (version === undefined) throw new Error(`${contestant.name} is missing: run npm run bench once, which installs and builds it`);
    say(`${contestant.name} ${version}`);
    return true;
  });
}

async function runVariant(
  benchCase: BenchCase,
  variant: Variant,
  contestants: readonly Contestant[],
  options: Options,
  judge: Judge,
): Promise<Outcome> {
  const able = contestants.filter((contestant) => contestant.supports(variant.scenario));
  const { series, failed } = await runRounds(able, () => variant, options.rounds[benchCase.rounds], judge);
  const name = [benchCase.id, variant.name].filter((part) => part !== undefined).join(', ');
  for (const { contestant, samples } of series) {
    const [rate, cost] = [median(samples.map(({ mpps }) => mpps)), median(samples.map(({ netCycles }) => netCycles))];
    say(`${name}: ${contestant} ${rate.toFixed(2)} Mpps, ${cost.toFixed(1)} net cycles`);
  }
  if (able.length === 0) say(`${name}: nobody here does it yet`);
  const named = variant.name === undefined ? {} : { variant: variant.name };
  const failures = [...failed].map(([contestant, reason]) => ({ case: benchCase.id, ...named, contestant, reason }));
  for (const { contestant, reason } of failures) say(`${name}: FAILED ${contestant}: ${reason}`);
  return { measured: series.flatMap((taken) => measurements(benchCase, variant, taken)), failures };
}

async function runAll(options: Options, contestants: readonly Contestant[], judge: Judge): Promise<Outcome> {
  const outcome: Outcome = { measured: [], failures: [] };
  const add = ({ measured, failures }: Outcome) => {
    outcome.measured.push(...measured);
    outcome.failures.push(...failures);
  };
  for (const benchCase of chosenCases(options)) {
    for (const variant of benchCase.variants) add(await runVariant(benchCase, variant, contestants, options, judge));
  }
  if (options.only?.includes('latency') ?? !options.quick) add(await runLatency(options, contestants, judge, outcome.measured));
  return outcome;
}

async function runLatency(
  options: Options,
  contestants: readonly Contestant[],
  judge: Judge,
  measured: readonly Measurement[],
): Promise<Outcome> {
  const able = contestants.filter((contestant) => contestant.supports({ kind: 'l3', routes: 1_000, family: 4 }));
  const plain = measured.filter((figure) => figure.case === 'l3' && figure.size === 1_000 && figure.unit === 'Mpps');
  const throughput = new Map(plain.map(({ contestant, values }) => [contestant, median(values) * 1e6]));
  const result = await measureLatency(able, throughput, options.rounds.few, judge);
  for (const { case: id, variant, contestant, values } of result.measurements)
    say(`${id}, ${variant}: ${contestant} ${median(values).toFixed(1)} µs`);
  for (const { case: id, contestant, reason } of result.failed) say(`${id}: FAILED ${contestant}: ${reason}`);
  return { measured: [...result.measurements], failures: [...result.failed] };
}

async function bench(options: Options): Promise<number> {
  const cpus = availableParallelism();
  if (cpus < 2) throw new Error('the packet thread needs a CPU of its own and everything else another: this machine has one');
  if (process.getuid?.() !== 0) throw new Error('only root may do this: it reserves hugepages and pins threads');
  const contestants = installed(options.contestants);
  const { folder, hugepages, release } = provide(options.hugepages);
  say(`${hugepages ? '2 MB hugepages' : '4 KiB pages'}, packets on CPU ${cpus - 1}, everything else on CPU ${controlCpu}`);
  const place: Place = { folder, hugepages, controlCpu, packetCpu: cpus - 1, windowMs: options.windowMs };
  execFileSync('taskset', ['-a', '-c', '-p', String(controlCpu), String(process.pid)], { stdio: 'ignore' });
  try {
    const { measured, failures } = await runAll(
      options,
      contestants,
      new Judge((contestant, question) => takeSample(contestant, question, place)),
    );
    const pages = { note: hugepages ? '2 MB hugepages' : '4 KiB pages: testpmd suffers from its page layout there, ratios to it flatter' };
    const noted = measured.map((figure) => (figure.case === 'limit' ? { ...figure, ...pages } : figure));
    const known = recorded.filter(({ case: id }) => options.only?.includes(id) ?? true);
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify([...noted, ...known], null, 2)}\n`);
    console.log(table(measured, recorded));
    for (const { case: id, variant, contestant, reason } of failures)
      console.log(`FAILED ${id}${variant ? `, ${variant}` : ''}: ${contestant}: ${reason}`);
    return failures.length === 0 ? 0 : 1;
  } finally {
    release();
  }
}

// Children die with this process; the exit handler of provisions.ts puts the rest back.
for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
] as const)
  process.once(signal, () => process.exit(128 + number));
try {
  process.exitCode = await bench(parseOptions(process.argv.slice(2)));
} catch (error) {
  say(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
  process.exitCode = 2;
}
