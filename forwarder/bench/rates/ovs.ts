/** How fast Open vSwitch with DPDK takes what Weft takes as rows: flows, ports, a start from nothing, and the memory of a flow. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Measurement } from '../../../kernel/bench/measurement.ts';
import { ovs } from '../packets/contestants/ovs.ts';
import { routing } from '../packets/contestants/ovs-flows.ts';
import { installedVersion, type Switch, startSwitch } from '../packets/contestants/ovs-process.ts';
import { loadSettings } from '../packets/load.ts';
import type { Scenario } from '../packets/scenario.ts';
import { Figures, type Subject, short } from './figures.ts';
import { framesSunk } from './load.ts';

const flows = 100_000;
const ports = 64;
const firstMs = 10_000;
const pollMs = 2;
const packetCpu = availableParallelism() - 1;
const controlCpu = 0;

/** One value a round of each figure; none when Open vSwitch is not installed. Needs root, hugepages as told, and load.so. */
export async function ovsProgrammingRates(rounds: number, hugepages: boolean): Promise<Measurement[]> {
  const figures = new Figures();
  for (let round = 0; installedVersion() !== undefined && round < rounds; round++) {
    await inFolder((folder) => measureFlows(figures, folder, hugepages));
    await inFolder((folder) => measurePorts(figures, folder, hugepages));
    await inFolder((folder) => measureStart(figures, folder, hugepages));
  }
  return figures.measurements();
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'weft-ovs-'));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function withSwitch(
  folder: string,
  hugepages: boolean,
  devices: readonly string[],
  work: (subject: Switch) => Promise<void>,
): Promise<void> {
  const subject = await startSwitch({ folder, packetCpu, controlCpu, hugepages, environment: {}, devices, options: {} });
  try {
    await subject.vsctl('add-br', 'br0', '--', 'set', 'Bridge', 'br0', 'datapath_type=netdev', 'fail-mode=secure');
    await work(subject);
  } finally {
    await subject.stop();
  }
}

/** Routes as OpenFlow flows, in one bundle. */
function measureFlows(figures: Figures, folder: string, hugepages: boolean): Promise<void> {
  return withSwitch(folder, hugepages, [], async (subject) => {
    const text = routing(flows, 4);
    const before = residentBytes(subject.pid);
    const seconds = await timed(() => subject.addFlows('br0', text));
    const grown = residentBytes(subject.pid) - before;
    const size = { variant: short(flows), size: flows, contestant: 'ovs' };
    const note = 'flows of ovs-ofctl add-flows --bundle, its start and its parsing of the text included';
    figures.add(
      { group: 'rates', case: 'program-flows', title: 'Flows of OpenFlow, one a route: added', unit: '/s', better: 'more', note, ...size },
      flows / seconds,
    );
    const memory: Subject = {
      group: 'rates',
      case: 'program-flows-memory',
      title: 'Memory of a flow of OpenFlow',
      unit: 'B',
      better: 'less',
      ...size,
    };
    figures.add({ ...memory, note: 'growth of the resident memory of ovs-vswitchd by the bundle' }, grown / flows);
  });
}

/** In one transaction. Kernel interfaces: 64 DPDK devices would need 64 pools of buffers. */
function measurePorts(figures: Figures, folder: string, hugepages: boolean): Promise<void> {
  const numbers = Array.from({ length: ports }, (_, number) => number);
  return withSwitch(folder, hugepages, [], async (subject) => {
    for (const number of numbers)
      await subject.inNamespace('ip', 'link', 'add', `v${number}`, 'type', 'veth', 'peer', 'name', `w${number}`);
    const add = numbers.flatMap((number) => [...(number === 0 ? [] : ['--']), 'add-port', 'br0', `v${number}`]);
    const remove = numbers.flatMap((number) => [...(number === 0 ? [] : ['--']), 'del-port', 'br0', `v${number}`]);
    const addSeconds = await timed(() => subject.vsctl(...add));
    const removeSeconds = await timed(() => subject.vsctl(...remove));
    const common = { group: 'rates', unit: '/s', better: 'more', variant: String(ports), size: ports, contestant: 'ovs' } as const;
    const note = 'ovs-vsctl with one transaction, until ovs-vswitchd has carried it out; the veth pairs exist before';
    figures.add({ ...common, case: 'program-ports', title: 'Ports on veth pairs: added', note }, ports / addSeconds);
    figures.add({ ...common, case: 'program-ports-delete', title: 'Ports on veth pairs: deleted', note }, ports / removeSeconds);
  });
}

/** From nothing to the first routed packet, with 1,000 routes. */
async function measureStart(figures: Figures, folder: string, hugepages: boolean): Promise<void> {
  const scenario: Scenario = { kind: 'l3', routes: 1_000, family: 4 };
  const countersFile = join(folder, 'counters');
  const assignment = { scenario, load: loadSettings(scenario, { flows: 1_000 }), countersFile, pcapFile: join(folder, 'frames.pcap') };
  const begin = performance.now();
  const starting = ovs.start({ ...assignment, folder, packetCpu, controlCpu, hugepages });
  const [first, running] = await Promise.all([firstPacket(countersFile), starting]);
  const note = 'ovsdb-server, ovs-vswitchd, DPDK, database, 1,000 flows, two ports: until the first packet is out';
  const subject: Subject = {
    group: 'rates',
    case: 'start',
    title: 'Start until a packet is forwarded',
    unit: 's',
    better: 'less',
    contestant: 'ovs',
    note,
  };
  figures.add(subject, (first - begin) / 1e3);
  await running.stop();
}

/** `performance.now()` when the load's sink got its first frame. */
async function firstPacket(countersFile: string): Promise<number> {
  for (const end = performance.now() + firstMs; framesSunk(countersFile) === 0; await sleep(pollMs)) {
    if (performance.now() > end) throw new Error(`Open vSwitch forwarded nothing in ${firstMs} ms`);
  }
  return performance.now();
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return (performance.now() - begin) / 1e3;
}

function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}
