/** How long it takes until packets flow, with an empty state memory or over the rows of a forwarder that was killed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { baseRows, loadRows, openRows, startForwarder } from './forwarder.ts';
import { framesSunk } from './load.ts';
import { OpsWriter, rowSet } from './ops.ts';
import type { Context } from './process.ts';

const part = 1_000;
const patienceMs = 30_000;

export interface StartInput {
  /** `empty`: rows of the load and so many routes more are published after the start; `found`: they are in the state memory. */
  readonly state: 'empty' | 'found';
  readonly routes: number;
}

export interface StartOutput {
  /** From the start of the process to the first packet that was forwarded, s. */
  readonly processToPacket: number;
  /** From the call of fwd_start to there, s. */
  readonly startToPacket: number;
  /** How long fwd_start took, s. */
  readonly start: number;
  /** Rows that were taken over. */
  readonly rows: number;
}

async function firstPacket(counters: string): Promise<void> {
  const end = performance.now() + patienceMs;
  while (framesSunk(counters) === 0) {
    if (performance.now() > end) throw new Error(`no packet was forwarded within ${patienceMs / 1e3} s`);
    await sleep(0);
  }
}

export async function start(context: Context, { state, routes }: StartInput): Promise<StartOutput> {
  const begin = process.hrtime.bigint();
  const forwarder = startForwarder(context);
  const started = process.hrtime.bigint();
  const rows = forwarder.state().rows;
  if (rows > routes !== (state === 'found'))
    throw new Error(`${rows} rows were taken over, which does not fit a state memory that is ${state}`);
  const bench = openRows(forwarder);
  if (state === 'empty') bench.upsert(...baseRows(), ...loadRows());
  await firstPacket(context.counters);
  const seconds = (since: bigint): number => Number(process.hrtime.bigint() - since) / 1e9;
  const figures = { processToPacket: seconds(BigInt(context.spawned)), startToPacket: seconds(begin) };
  const writer = new OpsWriter(rowSet('routes-spread'), 'upsert', part);
  if (state === 'empty') for (let n = 0; n < routes; n += part) bench.apply(writer.write(n, part));
  return { ...figures, start: Number(started - begin) / 1e9, rows };
}
