/** kill -9 of the forwarder: it forwards again within a second, before any plugin has answered, and never to a wrong port. */
import anyTest, { type TestFn } from 'ava';
import { Appliance, until } from '../../run/appliance.ts';
import { paced } from '../../run/pace.ts';
import { reachable, Vms } from '../../run/vms.ts';

const test = anyTest as TestFn<{ appliance: Appliance; vms: Vms }>;

const ports = 256;

test.before(async (t) => {
  t.timeout(600_000);
  const appliance = new Appliance();
  const vms = new Vms('fwd');
  Object.assign(t.context, { appliance, vms });
  await appliance.start();
  const networks = ['red', 'blue'].map((name) => ({
    kind: 'VirtualNetwork',
    metadata: { name },
    spec: { subnets: [{ cidr: '10.1.0.0/24' }] },
  }));
  await appliance.apply(networks);
  await vms.join(appliance, { vm: 'a', project: 'default', network: 'red', address: '10.1.0.11' }, '10.1.0.1');
  await vms.join(appliance, { vm: 'b', project: 'default', network: 'red', address: '10.1.0.12' }, '10.1.0.1');
  // The same addresses in another network: packets of the stream must never arrive there.
  await vms.join(appliance, { vm: 'x', project: 'default', network: 'blue', address: '10.1.0.12' }, '10.1.0.1');
  const others = Array.from({ length: ports - 3 }, (_, index) => `p${index}`);
  for (const vm of others) await vms.add(vm);
  await appliance.apply(
    others.map((vm, index) => ({
      kind: 'Port',
      metadata: { name: vm },
      spec: { network: index % 2 ? 'red' : 'blue', binding: { type: 'netns', netns: vms.netns(vm), interface: 'eth0' } },
    })),
  );
  for (const vm of others) await appliance.must(['wait', 'Port', vm, '--for=ready', '--timeout=60s']);
  if (!(await reachable(vms, 'a', '10.1.0.12'))) throw new Error('a does not reach b');
});

test.after.always(async (t) => {
  await t.context.appliance.stop();
  await t.context.vms.remove();
});

test.serial('20 kills: each gap at most a second with 256 ports, plugins stopped meanwhile, nothing at a wrong port', async (t) => {
  t.timeout(600_000);
  const { appliance, vms } = t.context;
  const stranger = vms.start('x', ['appliance/traffic/build/pace', 'recv', '7000']);
  const gaps: number[] = [];
  for (let blow = 0; blow < 20; blow++) {
    const processes = await appliance.processes();
    const control = processes.filter(({ name }) => name !== 'forwarder');
    const forwarder = processes.find(({ name }) => name === 'forwarder');
    const outcome = await paced(vms, { from: 'a', to: 'b', address: '10.1.0.12', rate: 1_000 }, async () => {
      // No plugin and no kernel can answer: what forwards now comes from the state memory alone.
      for (const { pid } of control) process.kill(pid, 'SIGSTOP');
      process.kill(forwarder?.pid ?? 0, 'SIGKILL');
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      for (const { pid } of control) process.kill(pid, 'SIGCONT');
    });
    gaps.push(outcome.longestGapMs);
    t.true(outcome.received > 0);
    t.is(outcome.duplicated, 0);
    const back = await until(async () => (await appliance.weft(['status'])).code === 0, 30_000);
    t.true(back === true, 'healthy again');
  }
  const strangers = JSON.parse(await stranger.stop()) as { received: number };
  t.log(`gaps, ms: ${gaps.map(Math.round).join(' ')}`);
  t.is(strangers.received, 0);
  t.true(Math.max(...gaps) <= 1_000, `longest gap ${Math.max(...gaps)} ms`);
});
