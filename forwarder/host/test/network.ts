/** Two machines on one network behind a forwarder process, for tests. Needs root and the built library. */
import { packUpsert, type Row } from '@weft/kernel/contract/net';
import type { ExecutionContext } from 'ava';
import { Launcher, type StandInPlugin } from './launcher.ts';
import { configure, type Machine, makeMachine, networkRows, ping, removeMachine } from './machines.ts';

const tables = ['vrf', 'bridge', 'port', 'mac', 'neighbor', 'nexthop', 'route', 'source'];
const batch = (rows: readonly Row[]): Buffer => Buffer.concat(rows.map(packUpsert));

export interface Network {
  readonly launcher: Launcher;
  readonly network: StandInPlugin;
  readonly machines: readonly [Machine, Machine];
}

/** Two machines that can reach each other, unless `flags` of their ports ask for rules. */
export async function makeNetwork(t: ExecutionContext, settings = {}, flags?: number): Promise<Network> {
  const launcher = new Launcher();
  const machines = [makeMachine(1), makeMachine(2)] as const;
  t.teardown(async () => {
    if (!t.passed) t.log(launcher.output);
    await launcher.close();
    for (const machine of machines) removeMachine(machine);
  });
  await launcher.start(settings);
  const network = await launcher.plugin('network', tables);
  const begun = await network.caller.call('rows.begin', {});
  await network.caller.call('rows.apply', { ...begun, ops: batch(networkRows(machines, flags)) });
  await network.caller.call('rows.commit', begun);
  await portsReach(network, 2, ['up', 'down']);
  for (const machine of machines) await configure(machine);
  await portsReach(network, 2, ['up']);
  return { launcher, network, machines };
}

/** Waits until so many ports are in one of these states. A port whose interface is not up inside its namespace is `down`. */
async function portsReach({ caller }: StandInPlugin, count: number, wanted: readonly string[]): Promise<void> {
  const there = new Set<number>();
  for await (const { ports } of caller.stream('ports.watch', {}, { signal: AbortSignal.timeout(10_000) })) {
    for (const { id, state } of ports) if (wanted.includes(state)) there.add(id);
    if (there.size === count) return;
  }
  throw new Error(`${there.size} of ${count} ports are ${wanted.join(' or ')}`);
}

export async function untilPing(from: Machine, address: string): Promise<void> {
  for (let tries = 0; tries < 50; tries++) if ((await ping(from, address, 1)) === 0) return;
  throw new Error(`${address} does not answer`);
}
