/** What the processes of an appliance hold, and how that grows with what is stored. */
import { readFileSync } from 'node:fs';
import type { Rounds } from '../../kernel/bench/measurement.ts';
import type { Appliance } from '../run/appliance.ts';
import { portsTitle } from './extent.ts';

export interface Held {
  readonly name: string;
  /** Bytes; pages that several processes have are counted by their share. */
  readonly pss: number;
  readonly rss: number;
}

/** From the text of /proc/PID/smaps_rollup, proc(5). Throws an Error when a field is missing. */
export function heldIn(name: string, text: string): Held {
  const bytes = (field: string) => {
    const found = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
    if (found === undefined) throw new Error(`the memory of ${name} has no ${field}`);
    return Number(found) * 1024;
  };
  return { name, pss: bytes('Pss'), rss: bytes('Rss') };
}

/** Every process: those of the appliance's status, and the launcher. Throws an Error when one is gone. */
export async function holdings(appliance: Appliance): Promise<Held[]> {
  const processes = [...(await appliance.processes()), { name: 'launcher', pid: appliance.launcherPid }];
  return processes.map(({ name, pid }) => heldIn(name, readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')));
}

const mib = 2 ** 20;
const note =
  'After a start, with the objects stored before; packet memory of 64 MiB in ordinary pages, without hugepages. PSS counts pages that processes share once in all, RSS in each.';

export function addMemory(rounds: Rounds, held: readonly Held[], ports: number): void {
  const together = { name: 'together', pss: sumOf(held, 'pss'), rss: sumOf(held, 'rss') };
  for (const { name, pss, rss } of [...held, together]) {
    const title = `Memory at idle, ${portsTitle(ports)}`;
    const figure = { group: 'appliance', case: `memory-${ports}`, title, variant: name, contestant: 'weft', better: 'less', note } as const;
    rounds.add({ ...figure, unit: 'MiB (PSS)' }, pss / mib);
    rounds.add({ ...figure, unit: 'MiB (RSS)' }, rss / mib);
  }
}

function sumOf(held: readonly Held[], field: 'pss' | 'rss'): number {
  return held.reduce((sum, one) => sum + one[field], 0);
}

const grownNote =
  'Growth of PSS against an appliance without ports, both after a start, divided by the ports. Heaps of Node hold garbage, too, and grow in steps: with 1,000 ports that is some KiB a port.';

/** Which processes grow with ports; all others are in the sum only. */
const growing: readonly string[] = ['kernel', 'forwarder', 'network'];

/** Bytes a port by which each process that grows is larger, and all together. */
export function growth(empty: readonly Held[], full: readonly Held[], ports: number): (readonly [name: string, bytes: number])[] {
  const of = (held: readonly Held[], name: string) => held.find((one) => one.name === name)?.pss ?? Number.NaN;
  const rows = growing.map((name) => [name, (of(full, name) - of(empty, name)) / ports] as const);
  return [...rows, ['together', (sumOf(full, 'pss') - sumOf(empty, 'pss')) / ports] as const];
}

export function addGrowth(rounds: Rounds, empty: readonly Held[], full: readonly Held[], ports: number): void {
  for (const [name, bytes] of growth(empty, full, ports)) {
    const [id, title] = [`memory-port-${name}`, `Memory per port: ${name}`];
    const figure = { group: 'appliance', case: id, title, contestant: 'weft', note: grownNote, variant: portsTitle(ports), size: ports };
    rounds.add({ ...figure, unit: 'KiB', better: 'less' }, bytes / 1024);
  }
}
