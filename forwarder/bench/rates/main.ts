/**
 * Rates and sizes of the forwarder through its binding, as its host uses it: rows, ports, punts, injections, memory, starts, the first packet after a
 * silence; and rows of Open vSwitch where that is installed. Needs root. Prints a table; exits 1 when something could not be measured.
 *
 *     node forwarder/bench/rates/main.ts [--quick] [--rounds N] [--only PART,…] [--json FILE]
 */
import { existsSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Measurement } from '../../../kernel/bench/measurement.ts';
import { provide } from '../packets/provisions.ts';
import { Figures, type Part, ratesTable } from './figures.ts';
import { idlePart } from './idle.ts';
import { loadLibrary } from './load.ts';
import { memoryPart } from './memory.ts';
import { ovsProgrammingRates } from './ovs.ts';
import { portsPart } from './ports.ts';
import { puntsPart } from './punts.ts';
import { programmingPart, rowsPart } from './rows.ts';
import { startPart } from './start.ts';

const parts: readonly Part[] = [rowsPart, programmingPart, portsPart, puntsPart, memoryPart, startPart, idlePart];
const fullRounds = 3;

function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

interface Options {
  readonly quick: boolean;
  readonly rounds: number;
  readonly chosen: readonly Part[];
  readonly withOvs: boolean;
  readonly json: string | undefined;
}

function readOptions(): Options {
  const texts = { json: { type: 'string' }, rounds: { type: 'string' }, only: { type: 'string' } } as const;
  const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false }, ...texts } });
  const rounds = Number(values.rounds ?? (values.quick ? 1 : fullRounds));
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds is ${values.rounds}: give a whole number from 1`);
  const names = values.only?.split(',') ?? [...parts.map(({ name }) => name), 'ovs'];
  const unknown = names.filter((name) => name !== 'ovs' && !parts.some((part) => part.name === name));
  if (unknown.length > 0) throw new Error(`--only names ${unknown.join(', ')}: there are ${parts.map(({ name }) => name).join(', ')}, ovs`);
  const chosen = parts.filter(({ name }) => names.includes(name));
  return { quick: values.quick, rounds, chosen, withOvs: names.includes('ovs'), json: values.json };
}

/** Runs every part in each round; a part that failed is not tried again. */
async function measure({ quick, rounds, chosen }: Options, failed: Map<string, string>): Promise<Measurement[]> {
  const figures = new Figures();
  for (let round = 0; round < rounds; round++) {
    for (const { name, once, run } of chosen) {
      if ((once && round > 0) || failed.has(name)) continue;
      const begin = performance.now();
      try {
        await run(figures, quick);
        progress(`round ${round + 1} of ${rounds}: ${name} (${((performance.now() - begin) / 1e3).toFixed(1)} s)`);
      } catch (thrown) {
        failed.set(name, (thrown as Error).message);
      }
    }
  }
  return figures.measurements();
}

/** Open vSwitch beside; nothing where it is not installed. */
async function measureOvs({ rounds, withOvs }: Options, failed: Map<string, string>): Promise<Measurement[]> {
  if (!withOvs) return [];
  const provisions = provide(undefined);
  const begin = performance.now();
  try {
    const found = await ovsProgrammingRates(rounds, provisions.hugepages);
    progress(`ovs (${((performance.now() - begin) / 1e3).toFixed(1)} s)`);
    return found;
  } catch (thrown) {
    failed.set('ovs', (thrown as Error).message);
    return [];
  } finally {
    provisions.release();
  }
}

// What was made for a measurement goes when the process exits.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const options = readOptions();
if (!existsSync(loadLibrary)) throw new Error(`the load is missing (${loadLibrary}): build it with: make -C forwarder`);
const failed = new Map<string, string>();
const own = await measure(options, failed);
const measurements = [...own, ...(await measureOvs(options, failed))];
console.log(ratesTable(measurements));
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(measurements, null, 2)}\n`);
for (const [part, reason] of failed) progress(`${part} could not be measured: ${reason}`);
process.exitCode = failed.size === 0 ? 0 : 1;
