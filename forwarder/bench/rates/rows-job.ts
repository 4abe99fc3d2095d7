/** Rows per second, in the forwarder's process: all by itself, and while its packet thread forwards all it can. */
import { setTimeout as sleep } from 'node:timers/promises';
import { packUpsert } from '@weft/kernel/contract/net';
import type { Forwarder } from '../../binding/index.ts';
import { type Counters, latency, readCounters } from '../packets/counters.ts';
import { baseRows, loadRows, openRows, portRow, portsUp, type Rows, startForwarder, statsOf } from './forwarder.ts';
import { OpsWriter, type RowSet, rowSet } from './ops.ts';
import type { Context } from './process.ts';

/** Rows per call into C, as the host cuts batches of plugins. */
const hostPart = 1_000;
const settleMs = 300;

/** How rows are handed over: published after every 1,000; staged in parts of 1,000 and published at the end; all in one call; each alone. */
export type Manner = 'parts' | 'staged' | 'whole' | 'single';

export interface RowsInput {
  readonly set: RowSet['name'];
  readonly count: number;
  readonly manner: Manner;
}

interface Spent {
  readonly perSecond: number;
  /** The longest call: so long others wait for the writer lock. */
  readonly longestMs: number;
}

export interface RowsOutput {
  readonly add: Spent;
  readonly remove: Spent;
  /** Rows that one thread of JavaScript packs in a second with the contract's packer. */
  readonly packedPerSecond: number;
}

/** Time in calls only; making the operations is not counted. */
function apply(rows: Rows, op: 'upsert' | 'delete', { set, count, manner }: RowsInput): Spent {
  const part = Math.min(count, manner === 'whole' ? count : manner === 'single' ? 1 : hostPart);
  const writer = new OpsWriter(rowSet(set), op, part);
  let spent = 0;
  let longestMs = 0;
  let changed = 0;
  for (let from = 0; from < count; from += part) {
    const ops = writer.write(from, Math.min(part, count - from));
    const begin = performance.now();
    changed = rows.apply(ops, manner === 'staged' && from + part < count) + (manner === 'staged' ? 0 : changed);
    const took = performance.now() - begin;
    spent += took;
    longestMs = Math.max(longestMs, took);
  }
  if (changed !== count) throw new Error(`${changed} instead of ${count} rows of ${set} changed (${op})`);
  return { perSecond: (count / spent) * 1e3, longestMs };
}

function packingRate(set: RowSet['name']): number {
  const { first } = rowSet(set);
  const packed = 20_000;
  const begin = performance.now();
  for (let n = 0; n < packed; n++) packUpsert(first);
  return (packed / (performance.now() - begin)) * 1e3;
}

export async function rows(context: Context, input: RowsInput): Promise<RowsOutput> {
  const forwarder = startForwarder(context);
  const bench = openRows(forwarder);
  bench.upsert(...baseRows(), portRow(1, 'none'), portRow(2, 'none'));
  const add = apply(bench, 'upsert', input);
  const remove = apply(bench, 'delete', input);
  return { add, remove, packedPerSecond: packingRate(input.set) };
}

export interface ProgrammingInput {
  readonly set: RowSet['name'];
  readonly count: number;
}

export interface ProgrammingOutput {
  readonly add: Spent;
  readonly remove: Spent;
  /** Frames forwarded per second before, and while rows came and went. */
  readonly before: number;
  readonly during: number;
  /** Frames dropped while rows came and went, of those that came in. */
  readonly dropped: number;
  readonly received: number;
  /** Of a load with a rate: latency while nothing changed, and while rows came and went. */
  readonly latency: { readonly before: Quantiles; readonly during: Quantiles };
}

/** Latencies in µs; NaN when none was counted. */
export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
}

interface Window {
  readonly perSecond: number;
  readonly dropped: number;
  readonly received: number;
  readonly latency: Quantiles;
}

function counted(file: string): Counters {
  const counters = readCounters(file);
  if (counters === undefined) throw new Error(`the load has no counters (${file}): is it preloaded?`);
  return counters;
}

/** What was forwarded between now and the end of `work`. */
async function watch(forwarder: Forwarder, counters: string, work: () => Promise<void>): Promise<Window> {
  const read = () => ({ at: performance.now(), from: statsOf(forwarder, 1), to: statsOf(forwarder, 2), load: counted(counters) });
  const a = read();
  await work();
  const b = read();
  const perSecond = (Number(b.to.txPackets - a.to.txPackets) / (b.at - a.at)) * 1e3;
  const of = (part: number): number => latency(a.load, b.load, part);
  const received = Number(b.from.rxPackets - a.from.rxPackets);
  return { perSecond, dropped: Number(b.from.dropped - a.from.dropped), received, latency: { p50: of(0.5), p99: of(0.99), most: of(1) } };
}

export async function programming(context: Context, { set, count }: ProgrammingInput): Promise<ProgrammingOutput> {
  const forwarder = startForwarder(context);
  const bench = openRows(forwarder);
  bench.upsert(...baseRows(), ...loadRows());
  await portsUp(forwarder, 2);
  await sleep(settleMs);
  const before = await watch(forwarder, context.counters, () => sleep(settleMs * 2));
  const input: RowsInput = { set, count, manner: 'parts' };
  const spent: Spent[] = [];
  const during = await watch(forwarder, context.counters, async () => {
    spent.push(apply(bench, 'upsert', input));
    spent.push(apply(bench, 'delete', input));
  });
  const [add, remove] = spent as [Spent, Spent];
  const { dropped, received } = during;
  const latency = { before: before.latency, during: during.latency };
  return { add, remove, before: before.perSecond, during: during.perSecond, dropped, received, latency };
}
