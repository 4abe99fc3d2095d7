/** Runs one part as a child program that cannot outlive the bench, and says how it went. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Measurement } from '../../kernel/bench/measurement.ts';
import type { Part } from './parts.ts';
import { cpuTime, stolenShare } from './quiet.ts';
import { type PartOutcome, type Profile, readMeasurements, readProfiles } from './result.ts';

export interface RunOptions {
  /** Where the command is run. */
  readonly top: string;
  /** Where its figures (NAME.json) and what it said (NAME.log) go. */
  readonly folder: string;
  /** Handed on to parts that know rounds: `--quick`, `--rounds N`. */
  readonly args: readonly string[];
  /** It is ended after so long. */
  readonly limitSeconds: number;
  /** A line of the part's progress. */
  readonly onProgress: (line: string) => void;
}

export interface PartRun {
  readonly outcome: PartOutcome;
  readonly measurements: readonly Measurement[];
  readonly profiles: readonly Profile[];
}

const graceMs = 10_000;

/** Ends the child and what it started: asks first, then forces. */
function end(child: ChildProcess, signal: NodeJS.Signals): void {
  const { pid } = child;
  if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  process.kill(-pid, signal);
  if (signal === 'SIGTERM') setTimeout(() => end(child, 'SIGKILL'), graceMs).unref();
}

/** Resolves with why the command failed, one sentence; undefined when it exited with 0. */
function runCommand(
  command: readonly string[],
  logFile: string,
  { top, limitSeconds, onProgress }: RunOptions,
): Promise<string | undefined> {
  const [program = '', ...args] = command;
  const log = createWriteStream(logFile);
  // A group of its own, so that all of it can be ended; and told to stop when the bench itself is killed.
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', program === 'node' ? process.execPath : program, ...args], {
    cwd: top,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const failures: string[] = [];
  let last = '';
  const hear = (line: string) => {
    log.write(`${line}\n`);
    if (/^(error|\w*Error|not ok|FAILED)\b/.test(line)) failures.push(line);
    if (line.trim() !== '') last = line.trim();
  };
  createInterface({ input: child.stdout }).on('line', (line) => {
    hear(line);
    console.log(line);
  });
  createInterface({ input: child.stderr }).on('line', (line) => {
    hear(line);
    onProgress(line);
  });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    end(child, 'SIGTERM');
  }, 1_000 * limitSeconds);
  const stop = () => end(child, 'SIGTERM');
  process.once('SIGINT', stop).once('SIGTERM', stop);
  return new Promise((resolve) => {
    const finish = (problem: string | undefined) => {
      clearTimeout(timer);
      process.off('SIGINT', stop).off('SIGTERM', stop);
      log.end(() => resolve(problem));
    };
    child.once('error', (error) => finish(`It could not be started: ${error.message}.`));
    child.once('close', (code, signal) => {
      if (late) finish(`It was ended after ${Math.round(limitSeconds)} s.`);
      else if (code === 0) finish(undefined);
      else
        finish(
          `It ended with ${code === null ? signal : `exit code ${code}`}: ${[...new Set(failures)].join('; ') || last || 'without a word'}`,
        );
    });
  });
}

/** What a file of the part holds; undefined when the part did not write it. */
function written<T>(file: string, read: (file: string) => T): T | undefined {
  return existsSync(file) ? read(file) : undefined;
}

/** Never throws for what the part does wrong: its problem says it, and what figures it wrote are kept. */
export async function runPart(part: Part, options: RunOptions): Promise<PartRun> {
  const [file, profile] = ['', '-profile'].map((kind) => join(options.folder, `${part.name}${kind}.json`)) as [string, string];
  const command = [...part.command, ...(part.counts ? [] : options.args)];
  const outputs = ['--json', file, ...(part.counts ? ['--profile', profile] : [])];
  const [started, before] = [performance.now(), cpuTime()];
  let problem = await runCommand([...command, ...outputs], join(options.folder, `${part.name}.log`), options);
  const seconds = (performance.now() - started) / 1_000;
  const stolenPercent = 100 * stolenShare(before, cpuTime());
  let measurements: Measurement[] = [];
  let profiles: Profile[] = [];
  try {
    measurements = written(file, readMeasurements) ?? [];
    profiles = written(profile, readProfiles) ?? [];
    if (measurements.length === 0) problem ??= 'It wrote no figures.';
  } catch (error) {
    problem ??= error instanceof Error ? error.message : String(error);
  }
  const outcome = { name: part.name, command: command.join(' '), seconds, stolenPercent, ...(problem !== undefined && { problem }) };
  return { outcome, measurements, profiles };
}
