/**
 * Whatever dies in the control plane, packets go on: a stream of 10,000 packets/s between two VMs, sequence-checked, loses none.
 * Each blow has its own stream, so that a loss names its cause.
 */

import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { Appliance, run, top, until } from '../../run/appliance.ts';
import { paced } from '../../run/pace.ts';
import { reachable, Vms } from '../../run/vms.ts';

const test = anyTest as TestFn<{ appliance: Appliance; vms: Vms }>;
const rate = 10_000;
const freeze = join(top, 'appliance/traffic/build/freeze');

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function healthy(appliance: Appliance): Promise<boolean> {
  return (await until(async () => (await appliance.weft(['status'])).code === 0, 30_000, 250)) === true;
}

/** Kills the process `name` and waits until another one has taken its place and everything serves again. */
async function kill(appliance: Appliance, name: string): Promise<void> {
  const pid = await appliance.pid(name);
  process.kill(pid, 'SIGKILL');
  const back = await until(async () => (await appliance.pid(name).catch(() => pid)) !== pid && (await healthy(appliance)), 30_000, 50);
  if (back !== true) throw new Error(`${name} did not come back`);
}

test.before(async (t) => {
  const appliance = new Appliance();
  const vms = new Vms('ctl');
  Object.assign(t.context, { appliance, vms });
  await appliance.start();
  await appliance.apply([{ kind: 'VirtualNetwork', metadata: { name: 'red' }, spec: { subnets: [{ cidr: '10.1.0.0/24' }] } }]);
  await vms.join(appliance, { vm: 'a', project: 'default', network: 'red', address: '10.1.0.11' }, '10.1.0.1');
  await vms.join(appliance, { vm: 'b', project: 'default', network: 'red', address: '10.1.0.12' }, '10.1.0.1');
  if (!(await reachable(vms, 'a', '10.1.0.12'))) throw new Error('a does not reach b');
});

test.after.always(async (t) => {
  await t.context.appliance.stop();
  await t.context.vms.remove();
});

/** Streams as long as `meanwhile` takes, and expects every packet. */
function survives(what: string, meanwhile: (appliance: Appliance, vms: Vms) => Promise<void>): void {
  test.serial(`no packet is lost while ${what}`, async (t) => {
    const { appliance, vms } = t.context;
    const outcome = await paced(vms, { from: 'a', to: 'b', address: '10.1.0.12', rate }, () => meanwhile(appliance, vms));
    t.log(`${what}: ${JSON.stringify(outcome)}`);
    t.true(outcome.sent > rate);
    t.is(outcome.lost, 0);
    t.is(outcome.duplicated, 0);
  });
}

survives('the kernel is killed 20 times', async (appliance) => {
  for (let blow = 0; blow < 20; blow++) await kill(appliance, 'kernel');
});

for (const plugin of ['network', 'dhcp', 'dns'])
  survives(`plugin ${plugin} is killed 20 times`, async (appliance) => {
    for (let blow = 0; blow < 20; blow++) {
      await kill(appliance, plugin);
      // Five crashes within a minute count as a crash loop; a restart by the operator starts the count anew.
      if (blow % 4 === 3) await appliance.must(['plugin', 'restart', plugin]);
    }
  });

survives('kernel and plugins are stopped for 30 s', async (appliance) => {
  const stopped = (await appliance.processes()).filter(({ name }) => name !== 'forwarder');
  for (const { pid } of stopped) process.kill(pid, 'SIGSTOP');
  await sleep(30_000);
  for (const { pid } of stopped) process.kill(pid, 'SIGCONT');
  if (!(await healthy(appliance))) throw new Error('not healthy after SIGCONT');
});

survives("all of the forwarder's JavaScript is frozen for 30 s, and kernel and plugins are stopped", async (appliance) => {
  const processes = await appliance.processes();
  const stopped = processes.filter(({ name }) => name !== 'forwarder');
  for (const { pid } of stopped) process.kill(pid, 'SIGSTOP');
  const frozen = await run(freeze, [String(processes.find(({ name }) => name === 'forwarder')?.pid), 'fwd-', '30']);
  for (const { pid } of stopped) process.kill(pid, 'SIGCONT');
  const threads = JSON.parse(frozen.stdout) as { frozen: number; running: number };
  if (threads.frozen < 2 || threads.running < 1) throw new Error(`nothing was frozen: ${frozen.stdout}${frozen.stderr}`);
  if (!(await healthy(appliance))) throw new Error('not healthy afterwards');
});

survives('200 ports are added and removed elsewhere', async (appliance) => {
  for (let round = 0; round < 200; round++) {
    await appliance.apply([{ kind: 'Port', metadata: { name: 'elsewhere' }, spec: { network: 'red', binding: { type: 'none' } } }]);
    await appliance.must(['delete', 'Port', 'elsewhere']);
  }
});
