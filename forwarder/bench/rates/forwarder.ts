/** libforwarder in this process, started as the forwarder's host does by default, and the rows that the jobs share. */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { packUpsert, type Row } from '@weft/kernel/contract/net';
import { Forwarder, links, type PortStats } from '../../binding/index.ts';
import { buildFolder } from '../packets/load.ts';
import { plan } from '../packets/scenario.ts';
import { sharedNexthops } from './ops.ts';
import type { Context } from './process.ts';

const stateDescriptor = 4;
const stderr = 2;
/** EAL's number. */
const warning = 5;
const patienceMs = 30_000;

export interface Rows {
  /** Operations as they are; `more`: staged only. */
  readonly apply: (ops: Buffer, more?: boolean) => number;
  readonly upsert: (...rows: readonly Row[]) => void;
}

/** The default settings of forwarder/host, but one CPU of its own for the packet thread and as much state memory as the largest case needs. */
export function startForwarder({ linkTag, packetCpu }: Context): Forwarder {
  const forwarder = new Forwarder(join(buildFolder, 'libforwarder.so'));
  const sizes = { memoryMib: 64, stateMib: 1024, packetThreads: 1, maxPorts: 16_384, hugepages: 0 };
  forwarder.start({ ...sizes, linkTag, cpu: packetCpu, stateFd: stateDescriptor, logFd: stderr, logLevel: warning });
  return forwarder;
}

export function openRows(forwarder: Forwarder, name = 'bench'): Rows {
  const owner = forwarder.ownerOpen(name);
  const generation = forwarder.rowsBegin(owner);
  const apply = (ops: Buffer, more = false): number => forwarder.rowsApply(owner, generation, ops, more);
  return { apply, upsert: (...rows) => void apply(Buffer.concat(rows.map(packUpsert))) };
}

export const bindings = { none: 0, netns: 2, ethdev: 4 } as const;

export function portRow(
  id: number,
  binding: keyof typeof bindings,
  where: { readonly interface?: string; readonly netns?: string } = {},
): Row {
  const mac = `02:00:00:01:${(id >> 8).toString(16).padStart(2, '0')}:${(id & 255).toString(16).padStart(2, '0')}`;
  const place = { interface: where.interface ?? '', netns: where.netns ?? '', socket: '' };
  return { table: 'port', id, bridge: 1, parent: 0, flags: 0, mac, mtu: 1500, vlan: 0, binding: bindings[binding], ...place };
}

/** A bridge that routes, and next hops 1 to 64, which lead to port 2. */
export function baseRows(): Row[] {
  const l2l3 = 2;
  const nexthop = (id: number): Row => {
    const fixed = {
      table: 'nexthop',
      port: 2,
      bridge: 1,
      mac: plan.server.mac,
      type: 1,
      flags: 0,
      size: 0,
      target: 0,
      puntClass: 0,
    } as const;
    return { ...fixed, id };
  };
  return [
    { table: 'vrf', id: 1 },
    { table: 'bridge', id: 1, vrf: 1, vni: 0, mtu: 1500, mode: l2l3, flags: 0, floodRate: 0 },
    ...Array.from({ length: sharedNexthops }, (_, n) => nexthop(1 + n)),
  ];
}

/** The load's two devices as ports 1 and 2, and routes for what it sends. */
export function loadRows(): Row[] {
  const routes = 1_000;
  const route = (n: number): Row => {
    const address = `20.${n >> 8}.${n & 255}.0`;
    return { table: 'route', vrf: 1, prefixLength: 24, address, source: 1, nexthop: 1 + (n % sharedNexthops) };
  };
  const ports = [portRow(1, 'ethdev', { interface: 'net_null0' }), portRow(2, 'ethdev', { interface: 'net_null1' })];
  return [...ports, ...Array.from({ length: routes }, (_, n) => route(n))];
}

/** Waits until all these ports are up; looks every millisecond. */
export async function portsUp(forwarder: Forwarder, count: number): Promise<void> {
  const end = performance.now() + patienceMs;
  for (;;) {
    const states = forwarder.portsRead();
    const waiting = states.filter(({ state }) => state !== links.UP);
    if (states.length >= count && waiting.length === 0) return;
    if (performance.now() > end) throw new Error(`${waiting.length} ports are not up, among them: ${waiting[0]?.reason ?? 'none'}`);
    await sleep(1);
  }
}

export function statsOf(forwarder: Forwarder, port: number): PortStats {
  const found = forwarder.statsRead().find(({ id }) => id === port);
  if (found === undefined) throw new Error(`port ${port} has no counters: is its row there?`);
  return found;
}
