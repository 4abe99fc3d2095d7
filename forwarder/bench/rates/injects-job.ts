/** Injections per second, in the forwarder's process: batches of frames for a port, counted where they leave. */
import { setTimeout as sleep } from 'node:timers/promises';
import { packPunt } from '@weft/kernel/contract/net';
import { baseRows, loadRows, openRows, portsUp, startForwarder, statsOf } from './forwarder.ts';
import { framesSunk } from './load.ts';
import type { Context } from './process.ts';

const port = 2;
const settleMs = 200;
const windowMs = 1_000;
const frameBytes = 60;

export interface InjectsInput {
  /** Records per call. */
  readonly batch: number;
}

export interface InjectsOutput {
  readonly offered: number;
  readonly taken: number;
  /** Frames that left, counted by the load. */
  readonly sunk: number;
  readonly perSecond: number;
}

/** A batch of one frame, over and over: an Ethernet frame of an experimental type (0x88b5) to the machine behind the port. */
function batchOf(count: number, generation: number): Buffer {
  const frame = Buffer.alloc(frameBytes);
  frame.write('020000000002', 0, 'hex');
  frame.write('00005e000100', 6, 'hex');
  frame.writeUInt16BE(0x88b5, 12);
  const record = packPunt({ port, generation, frame });
  return Buffer.concat(Array.from({ length: count }, () => record));
}

export async function injects(context: Context, { batch }: InjectsInput): Promise<InjectsOutput> {
  const forwarder = startForwarder(context);
  openRows(forwarder).upsert(...baseRows(), ...loadRows());
  await portsUp(forwarder, 2);
  await sleep(settleMs);
  const owner = forwarder.ownerOpen('bench');
  const records = batchOf(batch, statsOf(forwarder, port).generation);
  const before = framesSunk(context.counters);
  let offered = 0;
  let taken = 0;
  const begin = performance.now();
  for (const end = begin + windowMs; performance.now() < end; offered += batch) taken += forwarder.inject(owner, records);
  const seconds = (performance.now() - begin) / 1e3;
  await sleep(settleMs);
  const sunk = framesSunk(context.counters) - before;
  const { injected, dropped } = statsOf(forwarder, port);
  if (Number(injected) !== offered) throw new Error(`${offered} frames were injected, the port counted ${injected}`);
  if (sunk !== taken) throw new Error(`${taken} frames were taken, ${sunk} left the port`);
  if (Number(dropped) !== offered - taken) throw new Error(`${offered - taken} frames were refused, the port counted ${dropped}`);
  return { offered, taken, sunk, perSecond: sunk / seconds };
}
