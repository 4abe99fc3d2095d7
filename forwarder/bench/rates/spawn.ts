/** Starts processes that do one job each of the rates (rates-process.ts) and hands over what they answer. */
import { spawn } from 'node:child_process';
import { randomInt, randomUUID } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync, rmSync, unlinkSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { loadLibrary } from './load.ts';
import type { JobName, Jobs } from './process.ts';

const program = fileURLToPath(new URL('./process.ts', import.meta.url));
/** Longer than the longest job. */
const patienceMs = 120_000;

/** State memory, as the launcher makes it, and the load's counters beside it. */
export interface Place {
  /** Of a tmpfs file without a name. */
  readonly state: number;
  readonly linkTag: string;
  /** Counters of the load. */
  readonly counters: string;
  close(): void;
}

export function makePlace(): Place {
  const path = `/dev/shm/weft-rates-${randomUUID()}`;
  const state = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  const counters = `${path}.counters`;
  const linkTag = randomInt(36 ** 3)
    .toString(36)
    .padStart(3, '0');
  const remove = (): void => rmSync(counters, { force: true });
  process.once('exit', remove);
  const close = (): void => {
    process.off('exit', remove);
    closeSync(state);
    remove();
  };
  return { state, linkTag, counters, close };
}

/** The packet thread polls on the last CPU, all else runs on the first. */
const packetCpu = availableParallelism() - 1;
const controlCpu = 0;

export interface Job<N extends JobName> {
  readonly name: N;
  readonly input: Jobs[N]['input'];
}

export interface Started<N extends JobName> {
  /** Rejects with the job's Error, or with the end of the log when the process died. */
  readonly answer: Promise<Jobs[N]['output']>;
  /** Ends the process at once and waits until it is gone. */
  kill(): Promise<void>;
}

/** What a process says before it starts its job comes out of this file. */
export interface Message {
  readonly job: string;
  readonly input: unknown;
  readonly linkTag: string;
  readonly counters: string;
  readonly packetCpu: number;
  /** process.hrtime.bigint() when the process was started, as text: the clock is the machine's. */
  readonly spawned: string;
}

export type Answer = { readonly output: unknown } | { readonly error: string };

function endOf(descriptor: number): string {
  const out = Buffer.alloc(2_000);
  const length = readSync(descriptor, out, 0, out.length, Math.max(0, fstatSync(descriptor).size - out.length));
  return out.toString('utf8', 0, length);
}

/** `load`: preloads the load device with these words. */
export function start<N extends JobName>(place: Place, job: Job<N>, load?: string): Started<N> {
  rmSync(place.counters, { force: true });
  const log = `/dev/shm/weft-rates-${randomUUID()}.log`;
  const logDescriptor = openSync(log, 'wx+', 0o600);
  unlinkSync(log);
  const preload = load === undefined ? [] : [`LD_PRELOAD=${loadLibrary}`, `LOAD=${load}`, `LOAD_COUNTERS=${place.counters}`];
  const spawned = process.hrtime.bigint().toString();
  const command = ['-c', String(controlCpu), 'env', ...preload, process.execPath, '--disable-warning=ExperimentalWarning', program];
  const child = spawn('taskset', command, { stdio: ['ignore', logDescriptor, logDescriptor, 'ipc', place.state] });
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const answer = new Promise<Jobs[N]['output']>((resolve, reject) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
    child.once('error', reject);
    child.once('message', (message: Answer) => {
      if ('error' in message) reject(new Error(`${job.name}: ${message.error}`));
      else resolve(message.output as Jobs[N]['output']);
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      reject(new Error(`${job.name}: its process ended (${signal ?? code}) before it answered: ${endOf(logDescriptor)}`));
      closeSync(logDescriptor);
    });
  });
  // Whoever waits for the answer gets the error; who ends the process before asks no more.
  answer.catch(() => undefined);
  const { linkTag, counters } = place;
  child.send({ job: job.name, input: job.input, linkTag, counters, packetCpu, spawned } satisfies Message);
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await gone;
  };
  return { answer, kill };
}

/** Does a job in a process of its own, over the place's state memory or over one of its own. */
export async function perform<N extends JobName>(job: Job<N>, load?: string, place?: Place): Promise<Jobs[N]['output']> {
  const own = place ?? makePlace();
  const started = start(own, job, load);
  try {
    return await started.answer;
  } finally {
    await started.kill();
    if (place === undefined) own.close();
  }
}
