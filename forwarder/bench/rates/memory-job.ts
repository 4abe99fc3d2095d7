/** What objects cost in memory, in the forwarder's process: before and after so many of them. */

import { fstatSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { packUpsert } from '@weft/kernel/contract/net';
import type { Forwarder } from '../../binding/index.ts';
import { baseRows, openRows, portRow, portsUp, type Rows, startForwarder } from './forwarder.ts';
import { manyVrfs, OpsWriter, type RowSet, rowSet } from './ops.ts';
import type { Context } from './process.ts';

const stateDescriptor = 4;
const part = 1_000;
const blockBytes = 512;

export interface MemoryInput {
  readonly set: RowSet['name'] | 'veth';
  readonly small: number;
  readonly large: number;
  /** Set veth: namespaces that exist. */
  readonly namespaces: readonly string[];
}

interface Bytes {
  /** Pages of the state memory. */
  readonly state: number;
  /** Of the process, the state memory that it touched included. */
  readonly pss: number;
  readonly rss: number;
}

export interface MemoryOutput {
  readonly empty: Bytes;
  readonly small: Bytes;
  readonly large: Bytes;
}

function measure(): Bytes {
  const rollup = readFileSync('/proc/self/smaps_rollup', 'utf8');
  const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1]) * 1024;
  return { state: fstatSync(stateDescriptor).blocks * blockBytes, pss: kib('Pss'), rss: kib('Rss') };
}

async function grow(forwarder: Forwarder, rows: Rows, input: MemoryInput, from: number, to: number): Promise<void> {
  const { set, namespaces } = input;
  if (set === 'veth') {
    for (let n = from; n < to; n++)
      rows.apply(packUpsert(portRow(1_000 + n, 'netns', { interface: `e${n}`, netns: namespaces[n % namespaces.length] ?? '' })));
    await portsUp(forwarder, to);
    return;
  }
  const writer = new OpsWriter(rowSet(set), 'upsert', part);
  for (let n = from; n < to; n += part) rows.apply(writer.write(n, Math.min(part, to - n)));
}

export async function memory(context: Context, input: MemoryInput): Promise<MemoryOutput> {
  const settleMs = 100;
  const forwarder = startForwarder(context);
  const rows = openRows(forwarder);
  rows.upsert(...baseRows());
  const empty = measure();
  if (input.set === 'vrf-routes') rows.upsert(...Array.from({ length: manyVrfs }, (_, n) => ({ table: 'vrf', id: 1 + n }) as const));
  await grow(forwarder, rows, input, 0, input.small);
  await sleep(settleMs);
  const small = measure();
  await grow(forwarder, rows, input, input.small, input.large);
  await sleep(settleMs);
  return { empty, small, large: measure() };
}
