/** How fast ports come and go, in the forwarder's process. */

import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { packDelete, packUpsert, type Row } from '@weft/kernel/contract/net';
import type { Forwarder } from '../../binding/index.ts';
import { baseRows, openRows, portRow, portsUp, startForwarder } from './forwarder.ts';
import type { Context } from './process.ts';

const firstId = 1_000;
const patienceMs = 30_000;

export interface PortsInput {
  readonly binding: 'none' | 'netns';
  readonly count: number;
  /** Binding netns: namespaces that exist; port n gets one end in the n-th of them, modulo their number. */
  readonly namespaces: readonly string[];
}

export interface Change {
  /** The call that publishes the rows. */
  readonly callMs: number;
  /** Until the ports are up, or their links gone. */
  readonly doneMs: number;
}

export interface PortsOutput {
  readonly add: Change;
  readonly remove: Change;
}

function rowsOf({ binding, count, namespaces }: PortsInput): Row[] {
  return Array.from({ length: count }, (_, n) => {
    if (binding === 'none') return portRow(firstId + n, 'none');
    return portRow(firstId + n, 'netns', { interface: `e${n}`, netns: namespaces[n % namespaces.length] ?? '' });
  });
}

async function gone(forwarder: Forwarder, linkTag: string): Promise<void> {
  const end = performance.now() + patienceMs;
  const left = (): number => {
    const links = readdirSync('/sys/class/net').filter((name) => name.startsWith(`wf${linkTag}p`));
    return links.length + forwarder.portsRead().length;
  };
  while (left() > 0) {
    if (performance.now() > end) throw new Error(`${left()} ports or links are still there after ${patienceMs / 1e3} s`);
    await sleep(1);
  }
}

async function change(apply: () => void, done: () => Promise<void>): Promise<Change> {
  const begin = performance.now();
  apply();
  const callMs = performance.now() - begin;
  await done();
  return { callMs, doneMs: performance.now() - begin };
}

/** A port without a link never comes up: it is there when it is listed. */
async function listed(forwarder: Forwarder, count: number): Promise<void> {
  while (forwarder.portsRead().length < count) await sleep(1);
}

export async function ports(context: Context, input: PortsInput): Promise<PortsOutput> {
  const forwarder = startForwarder(context);
  const bench = openRows(forwarder);
  bench.upsert(...baseRows());
  const rows = rowsOf(input);
  const upserts = Buffer.concat(rows.map(packUpsert));
  const deletes = Buffer.concat(rows.map(packDelete));
  const there = input.binding === 'none' ? listed : portsUp;
  const add = await change(
    () => bench.apply(upserts),
    () => there(forwarder, input.count),
  );
  const remove = await change(
    () => bench.apply(deletes),
    () => gone(forwarder, context.linkTag),
  );
  return { add, remove };
}
