/** Plugins come and go; forwarding and the other plugins do not notice. */
import anyTest, { type TestFn } from 'ava';
import { Appliance, until } from '../run/appliance.ts';
import { reachable, Vms } from '../run/vms.ts';

const test = anyTest as TestFn<{ appliance: Appliance; vms: Vms }>;

const gateway = '10.1.0.1';

/** Whether a DHCP client in the VM gets a lease; changes nothing in the VM. */
async function leased(vms: Vms, vm: string, tries = 2): Promise<boolean> {
  return (await vms.exec(vm, ['udhcpc', '-i', 'eth0', '-q', '-n', '-t', String(tries), '-T', '1', '-s', '/bin/true'])).code === 0;
}

async function resolves(vms: Vms, vm: string): Promise<boolean> {
  const { stdout } = await vms.exec(vm, ['dig', '+short', '+tries=1', '+time=2', `@${gateway}`, 'b']);
  return stdout.trim() === '10.1.0.12';
}

/** Stops and starts everything; the links of the VMs are new then, and their addresses are set again. */
async function restart(appliance: Appliance, vms: Vms): Promise<void> {
  await appliance.stop(false);
  await appliance.start();
  for (const port of ['a', 'b']) await appliance.must(['wait', 'Port', port, '--for=ready', '--timeout=20s']);
  await vms.configure('a', '10.1.0.11', gateway);
  await vms.configure('b', '10.1.0.12', gateway);
}

test.before(async (t) => {
  const appliance = new Appliance();
  const vms = new Vms('plg');
  Object.assign(t.context, { appliance, vms });
  await appliance.start();
  await appliance.apply([{ kind: 'VirtualNetwork', metadata: { name: 'red' }, spec: { subnets: [{ cidr: '10.1.0.0/24' }] } }]);
  await vms.join(appliance, { vm: 'a', project: 'default', network: 'red', address: '10.1.0.11' }, gateway);
  await vms.join(appliance, { vm: 'b', project: 'default', network: 'red', address: '10.1.0.12' }, gateway);
});

test.after.always(async (t) => {
  await t.context.appliance.stop();
  await t.context.vms.remove();
});

test.serial('with everything enabled a VM gets a lease, names and its neighbour', async (t) => {
  const { vms } = t.context;
  t.true(await reachable(vms, 'a', '10.1.0.12'));
  t.true(await leased(vms, 'a'));
  t.true(await resolves(vms, 'a'));
});

test.serial('disabling dhcp leaves forwarding and DNS untouched', async (t) => {
  const { appliance, vms } = t.context;
  await appliance.must(['plugin', 'disable', 'dhcp']);
  t.true(await reachable(vms, 'a', '10.1.0.12'));
  t.true(await resolves(vms, 'a'));
  t.false(await leased(vms, 'a', 1));
  t.is((await appliance.weft(['status'])).code, 0, 'a disabled plugin is no illness');
});

test.serial('a disabled plugin stays disabled over a restart of everything, and the rest works', async (t) => {
  const { appliance, vms } = t.context;
  await restart(appliance, vms);
  t.true(await reachable(vms, 'a', '10.1.0.12'));
  t.true((await until(() => resolves(vms, 'a'), 10_000)) === true);
  t.false(await leased(vms, 'a', 1));
});

test.serial('enabled again it serves, also after a restart of everything', async (t) => {
  const { appliance, vms } = t.context;
  const started = performance.now();
  await appliance.must(['plugin', 'enable', 'dhcp']);
  t.true((await until(() => leased(vms, 'a', 1), 20_000)) === true);
  t.log(`from "enable" to a lease: ${((performance.now() - started) / 1000).toFixed(1)} s`);
  await restart(appliance, vms);
  t.true((await until(() => leased(vms, 'a', 1), 10_000)) === true);
});
