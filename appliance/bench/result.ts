/** What one run of the bench leaves behind (result.json): where, with what, how long, and the figures. */
import { readFileSync } from 'node:fs';
import type { Measurement } from '../../kernel/bench/measurement.ts';

export interface Machine {
  readonly cpu: string;
  readonly cpus: number;
  /** Level to size as lscpu says it: `L1d` → `64 KiB (2 instances)`. */
  readonly caches: Readonly<Record<string, string>>;
  /** 0 when the system does not say. */
  readonly mhz: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  readonly system: string;
  /** `none` on bare metal. */
  readonly hypervisor: string;
}

/** Where the instructions of a packet are, in one case of the part that counts them. */
export interface Profile {
  readonly case: string;
  readonly title: string;
  /** Per packet, of all functions. */
  readonly instructions: number;
  /** Dearest first; those that cost next to nothing are left out. */
  readonly functions: readonly { readonly name: string; readonly instructions: number }[];
}

/** How a part of the run went. */
export interface PartOutcome {
  readonly name: string;
  /** Argument vector as it was run, without paths of this machine. */
  readonly command: string;
  readonly seconds: number;
  /** Time that the hypervisor took away from all CPUs meanwhile. */
  readonly stolenPercent: number;
  /** Why it failed, one sentence. */
  readonly problem?: string;
}

export interface BenchResult {
  /** ISO 8601, UTC: when the run began. */
  readonly started: string;
  readonly command: string;
  readonly quick: boolean;
  readonly machine: Machine;
  /** Program to version. */
  readonly versions: Readonly<Record<string, string>>;
  /** Why the machine was not quiet: sentences. */
  readonly unquiet: readonly string[];
  readonly parts: readonly PartOutcome[];
  readonly measurements: readonly Measurement[];
  readonly profiles: readonly Profile[];
}

const words = ['group', 'case', 'title', 'contestant', 'unit'] as const;

function mistake(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return 'is no object';
  const fields = value as Readonly<Record<string, unknown>>;
  const empty = words.find((word) => typeof fields[word] !== 'string' || fields[word] === '');
  if (empty !== undefined) return `has no text "${empty}"`;
  if (fields.better !== 'more' && fields.better !== 'less') return 'says neither "more" nor "less" in "better"';
  const { values } = fields;
  if (!Array.isArray(values) || values.length === 0 || !values.every(Number.isFinite)) return 'has no list of numbers "values"';
  return undefined;
}

/** The figures in `value`, which a program wrote; throws an Error that says which entry is wrong and how. */
export function checkMeasurements(value: unknown, from: string): Measurement[] {
  if (!Array.isArray(value)) throw new Error(`${from} holds no list of measurements`);
  for (const [index, entry] of value.entries()) {
    const wrong = mistake(entry);
    if (wrong !== undefined) throw new Error(`${from}: measurement ${index} ${wrong}: ${JSON.stringify(entry)}`);
  }
  return value as Measurement[];
}

/** Reads JSON of figures. Throws an Error with the file's name. */
export function readMeasurements(file: string): Measurement[] {
  return checkMeasurements(readJson(file), file);
}

/** Reads JSON of profiles. Throws an Error with the file's name. */
export function readProfiles(file: string): Profile[] {
  const value = readJson(file);
  const fine = (entry: Partial<Profile> | null) =>
    typeof entry?.title === 'string' && Number.isFinite(entry.instructions) && Array.isArray(entry.functions);
  if (!Array.isArray(value) || !value.every(fine)) throw new Error(`${file} holds no list of profiles`);
  return value;
}

/** Reads a result.json. Throws an Error with the file's name. */
export function readResult(file: string): BenchResult {
  const result = readJson(file) as Partial<BenchResult> | null;
  if (typeof result?.started !== 'string' || result.machine === undefined || !Array.isArray(result.parts))
    throw new Error(`${file} is not the result of a bench run: give a result.json from bench-results`);
  checkMeasurements(result.measurements, file);
  return { ...(result as BenchResult), profiles: result.profiles ?? [] };
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Error(`cannot read ${file}: ${error instanceof Error ? error.message : error}`);
  }
}
