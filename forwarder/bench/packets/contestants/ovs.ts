/** Open vSwitch with DPDK, Debian's package, tuned for each case. */
import { setTimeout as sleep } from 'node:timers/promises';
import { loadEnvironment } from '../load.ts';
import type { Assignment, Contestant, Running, Scenario } from '../scenario.ts';
import { type Bridge, layoutOf, type Port } from './ovs-layout.ts';
import { installedVersion, type Switch, startSwitch } from './ovs-process.ts';
import { describe, flowsOf, type Tuning, tuningOf } from './ovs-tuning.ts';

export const ovs: Contestant = {
  name: 'ovs',
  version: installedVersion,
  supports: (scenario) => entriesOf(scenario) <= mostEntries && layoutOf(scenario) !== undefined,
  start: (assignment) => startOvs(assignment),
};

/** With a million flow entries it was measured while it still took them in: 0.06 and 3.3 Mpps in two runs of the same case. */
const mostEntries = 200_000;

function entriesOf(scenario: Scenario): number {
  return scenario.kind === 'l2' ? scenario.macs : scenario.kind === 'l3' ? scenario.routes : 0;
}

/** As `ovs.start`, with a tuning of the caller's choice. */
async function startOvs(
  assignment: Assignment,
  tuning: Tuning = tuningOf(flowsOf(assignment.load)),
): Promise<Running & { readonly process: Switch }> {
  const layout = layoutOf(assignment.scenario);
  if (layout === undefined) throw new Error(`Open vSwitch has no way to do ${assignment.scenario.kind}`);
  const process = await startSwitch({
    ...assignment,
    environment: loadEnvironment(assignment),
    devices: ['--vdev=net_null0', '--vdev=net_null1'],
    options: optionsOf(tuning),
  });
  try {
    await process.vsctl(...commands(layout.map(bridgeCommand)));
    await raiseLimits(process);
    for (const bridge of layout) {
      await process.addFlows(bridge.name, bridge.flows);
      if (bridge.tunnels !== undefined) await endTunnels(process, bridge.name, bridge.tunnels);
    }
    await process.vsctl(...commands(portCommands(layout)));
    await refuseBadPorts(process);
    await settled(process);
  } catch (error) {
    await process.stop();
    throw error;
  }
  return { note: describe(tuning), stop: process.stop, process };
}

const megaflows = 2_000_000;
const settleMs = 60_000;
const pollMs = 100;
/** Upcalls in `pollMs` that do not matter. */
const fewUpcalls = 10;

function optionsOf(tuning: Tuning): Record<string, string | number | boolean> {
  return {
    'emc-insert-inv-prob': tuning.emc,
    'smc-enable': tuning.smc,
    // Megaflows stay for the whole sample, and are looked through seldom.
    'flow-limit': megaflows,
    'max-idle': 600_000,
    'max-revalidator': 10_000,
  };
}

async function raiseLimits(process: Switch): Promise<void> {
  await process.appctl('dpctl/ct-set-maxconns', '8000000');
  // Begins at 10,000 and would grow by 1,000 a round of the revalidator.
  await process.appctl('upcall/set-flow-limit', String(megaflows));
}

function bridgeCommand(bridge: Bridge): string[] {
  const address = bridge.tunnels === undefined ? [] : [`other-config:hwaddr="${bridge.tunnels.mac}"`];
  return ['add-br', bridge.name, '--', 'set', 'Bridge', bridge.name, 'datapath_type=netdev', 'fail-mode=secure', ...address];
}

/** Tunnels first and port 0 last: when the load begins, all is there. */
function portCommands(layout: readonly Bridge[]): string[][] {
  const ports = layout.flatMap((bridge) => bridge.ports.map((port) => ({ bridge: bridge.name, port })));
  return ports.toSorted((a, b) => b.port.name.localeCompare(a.port.name)).map(({ bridge, port }) => portCommand(bridge, port));
}

function portCommand(bridge: string, port: Port): string[] {
  const options = Object.entries(port.options).map(([name, value]) => `options:${name}=${value}`);
  return [
    'add-port',
    bridge,
    port.name,
    '--',
    'set',
    'Interface',
    port.name,
    `type=${port.type}`,
    `ofport_request=${port.number}`,
    ...options,
  ];
}

/** One transaction of several commands. */
function commands(list: readonly (readonly string[])[]): string[] {
  return list.flatMap((command, index) => (index === 0 ? command : ['--', ...command]));
}

async function endTunnels(process: Switch, bridge: string, tunnels: NonNullable<Bridge['tunnels']>): Promise<void> {
  await process.inNamespace('ip', 'address', 'add', `${tunnels.address}/24`, 'dev', bridge);
  await process.inNamespace('ip', 'link', 'set', bridge, 'up');
  await process.appctl('ovs/route/add', `${tunnels.address}/24`, bridge);
  for (const [address, mac] of Object.entries(tunnels.neighbours)) await process.appctl('tnl/neigh/set', bridge, address, mac);
}

async function refuseBadPorts(process: Switch): Promise<void> {
  const errors = await process.vsctl('--bare', '--columns=name,error', 'find', 'Interface', 'error!=[]');
  if (errors.trim() !== '') throw process.failure(`Open vSwitch refused a port: ${errors.trim()}`);
}

/** Waits until packets come and need no more upcalls: each first packet of a megaflow takes about 10 µs. */
async function settled(process: Switch): Promise<void> {
  let before: number | undefined;
  for (const end = Date.now() + settleMs; Date.now() < end; await sleep(pollMs)) {
    const pmd = (await process.appctl('dpif-netdev/pmd-stats-show')).split('main thread')[0] ?? '';
    const count = (what: string) => Number(new RegExp(`${what}: (\\d+)`).exec(pmd)?.[1] ?? 0);
    const upcalls = count('miss with success upcall') + count('miss with failed upcall');
    if (count('packets received') === 0) continue;
    if (before !== undefined && upcalls - before <= fewUpcalls) return;
    before = upcalls;
  }
  throw process.failure(`Open vSwitch did not come to rest in ${settleMs} ms: ${before ?? 'no'} upcalls`);
}
