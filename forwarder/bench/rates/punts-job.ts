/** Punts per second, in the forwarder's process. */
import { setTimeout as sleep } from 'node:timers/promises';
import { BusServer } from '@weft/kernel/bus';
import { packDelete, puntHeaderBytes, type Row } from '@weft/kernel/contract/net';
import type { Forwarder, PortStats } from '../../binding/index.ts';
import { PuntPump, type PuntSink } from '../../host/punt-pump.ts';
import { onWake } from '../../host/wake-pipe.ts';
import { baseRows, loadRows, openRows, portsUp, type Rows, startForwarder, statsOf } from './forwarder.ts';
import type { HopTarget } from './hop.ts';
import type { Context } from './process.ts';

const owner = 'bench';
const settleMs = 200;
const windowMs = 1_000;
const udp = 17;
/** Where the load's frames go. */
const loadPort = 9;
/** So high that the ring alone limits. */
const noLimit = 50_000_000;
/** Counters of one reading are at most so far apart: the packet thread runs on. */
const looseFrames = 4_096;

export interface PuntsInput {
  /** `pump`: as forwarder/host takes them; `tight`: nothing but reading; `bus`: as the host, and over ZeroMQ to another process. */
  readonly mode: 'pump' | 'tight' | 'bus';
  /** Mode bus: the other process. */
  readonly hop?: HopTarget;
}

export interface PuntsOutput {
  /** Frames per second that came in. */
  readonly received: number;
  /** Records per second that JavaScript read. */
  readonly perSecond: number;
  /** Frames per second, by name of the reason. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Mode bus: batches that the socket did not take. */
  readonly lostBatches: number;
  /** Records that were read from the beginning to the end. */
  readonly total: number;
}

function serviceRow(puntClass: number): Row {
  return { table: 'service', vrf: 1, protocol: udp, l4Port: loadPort, address: '0.0.0.0', puntClass, action: 0 };
}

/** Records in a batch. */
function countRecords(batch: Buffer): number {
  let count = 0;
  for (let at = 0; at < batch.length; count++) at += (puntHeaderBytes + batch.readUInt32LE(at + 4) + 7) & ~7;
  return count;
}

class Counter implements PuntSink {
  records = 0;
  readonly #next: PuntSink | undefined;
  constructor(next?: PuntSink) {
    this.#next = next;
  }
  send(batch: Buffer): void {
    this.records += countRecords(batch);
    this.#next?.send(batch);
  }
}

interface Taker {
  readonly counter: Counter;
  /** Takes for so long. */
  readonly take: (ms: number) => Promise<void>;
  readonly lostBatches: () => number;
  readonly close: () => Promise<void>;
}

function tightTaker(forwarder: Forwarder, receiver: number): Taker {
  const counter = new Counter();
  const scratch = Buffer.allocUnsafeSlow(256 * 1024);
  const take = async (ms: number): Promise<void> => {
    for (const end = performance.now() + ms; performance.now() < end; ) {
      const length = forwarder.puntRead(receiver, scratch);
      counter.records += countRecords(scratch.subarray(0, length));
    }
  };
  return { counter, take, lostBatches: () => 0, close: () => Promise.resolve() };
}

async function pumpTaker(forwarder: Forwarder, receiver: number, hop: HopTarget | undefined): Promise<Taker> {
  const server = hop === undefined ? undefined : await BusServer.open(hop.serverKeys);
  await server?.setKey(owner, hop?.keys.publicKey ?? '');
  const socket = hop === undefined ? undefined : await server?.raw({ client: owner, path: hop.path, onFrame: () => undefined });
  const counter = new Counter(socket);
  const pump = new PuntPump(forwarder);
  pump.setSink(receiver, counter);
  const silence = onWake(forwarder.puntFd(), () => pump.wake());
  const close = async (): Promise<void> => {
    silence();
    pump.stop();
    await server?.close();
  };
  if (hop !== undefined) await sleep(hop.joinMs);
  pump.wake();
  return { counter, take: (ms) => sleep(ms), lostBatches: () => socket?.drops ?? 0, close };
}

function drops(forwarder: Forwarder, port: number): Map<string, number> {
  const found = forwarder.dropsRead().filter((drop) => drop.port === port);
  return new Map(found.map(({ reason, packets }) => [forwarder.dropName(reason), Number(packets)]));
}

function startPunting(forwarder: Forwarder, rows: Rows): number {
  const receiver = forwarder.ownerOpen(owner);
  const limits = { rate: noLimit, burst: 1_000_000, portRate: noLimit, portBurst: 1_000_000 };
  rows.upsert({ table: 'punt_class', id: 1, receiver, name: owner, ...limits }, serviceRow(1));
  return receiver;
}

/** What became of the frames that came in through port 1. Packets flow meanwhile, so two readings of the counters enclose that of the reasons. */
function ledger(forwarder: Forwarder): { readonly stats: PortStats; readonly drops: Map<string, number> } {
  const stats = statsOf(forwarder, 1);
  const reasons = drops(forwarder, 1);
  const later = statsOf(forwarder, 1);
  const open = Number(stats.rxPackets - stats.sent - stats.dropped - stats.punted);
  if (Math.abs(open) > looseFrames) throw new Error(`${open} of ${stats.rxPackets} frames were neither sent nor punted nor dropped`);
  const named = [...reasons.values()].reduce((sum, count) => sum + count, 0);
  if (named < Number(stats.dropped) || named > Number(later.dropped))
    throw new Error(`${named} frames were dropped under a name, ${stats.dropped} to ${later.dropped} in all`);
  return { stats, drops: reasons };
}

export async function punts(context: Context, { mode, hop }: PuntsInput): Promise<PuntsOutput> {
  const forwarder = startForwarder(context);
  const rows = openRows(forwarder, owner);
  rows.upsert(...baseRows(), ...loadRows());
  await portsUp(forwarder, 2);
  const receiver = startPunting(forwarder, rows);
  const taker = mode === 'tight' ? tightTaker(forwarder, receiver) : await pumpTaker(forwarder, receiver, hop);
  await taker.take(settleMs);
  const before = { ...ledger(forwarder), read: taker.counter.records, at: performance.now() };
  await taker.take(windowMs);
  const after = { ...ledger(forwarder), read: taker.counter.records, at: performance.now() };
  rows.apply(packDelete(serviceRow(1)));
  await taker.take(settleMs);
  const total = Number(statsOf(forwarder, 1).punted);
  if (total !== taker.counter.records) throw new Error(`${total} frames were punted, ${taker.counter.records} records were read`);
  await taker.close();
  const dropped = [...after.drops].map(([name, count]) => [name, count - (before.drops.get(name) ?? 0)] as const);
  const seconds = (after.at - before.at) / 1e3;
  return {
    received: Number(after.stats.rxPackets - before.stats.rxPackets) / seconds,
    dropped: Object.fromEntries(dropped.filter(([, count]) => count > 0).map(([name, count]) => [name, count / seconds])),
    perSecond: (after.read - before.read) / seconds,
    lostBatches: taker.lostBatches(),
    total,
  };
}
