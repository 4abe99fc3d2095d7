/** One VM opens flows as fast as it can, by SYNs and by UDP: the new flows of others pass, and established ones lose nothing. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import anyTest, { type TestFn } from 'ava';
import { Appliance } from '../../run/appliance.ts';
import { addRawVm, countedAt, type RawVm, sendFlows } from '../../run/flow-load.ts';
import { type Outcome, paced } from '../../run/pace.ts';
import { reachable, Vms } from '../../run/vms.ts';

interface Context {
  appliance: Appliance;
  vms: Vms;
  opener: RawVm;
  target: RawVm;
}

const test = anyTest as TestFn<Context>;
const seconds = 30;
const newFlows = 1_000 * seconds;
const attacker = { vm: 'attacker', mac: '02:00:00:00:03:66', address: '10.66.0.11' } as const;
/** Its port has no link: what passes ends there. */
const victim = { vm: 'victim', mac: '02:00:00:00:03:67', address: '10.66.0.12' } as const;

test.before(async (t) => {
  t.timeout(120_000);
  const appliance = new Appliance();
  const vms = new Vms('fls');
  Object.assign(t.context, { appliance, vms });
  await appliance.start();
  await vms.add(attacker.vm);
  const port = ({ vm, mac, address }: RawVm, binding: object) => ({
    kind: 'Port',
    metadata: { name: vm },
    spec: { network: 'grey', mac, addresses: [address], binding },
  });
  await appliance.apply([
    { kind: 'VirtualNetwork', metadata: { name: 'red' }, spec: { subnets: [{ cidr: '10.1.0.0/24' }] } },
    { kind: 'VirtualNetwork', metadata: { name: 'grey' }, spec: { subnets: [{ cidr: '10.66.0.0/24' }] } },
    port(attacker, { type: 'vhost-user', socket: socketOf(appliance), server: true }),
    port(victim, { type: 'none' }),
  ]);
  const opener = await addRawVm(appliance, vms, { vm: 'opener', mac: '02:00:00:00:03:01', address: '10.1.0.21', network: 'red' });
  const target = await addRawVm(appliance, vms, { vm: 'target', mac: '02:00:00:00:03:02', address: '10.1.0.22', network: 'red' });
  await vms.join(appliance, { vm: 'a', project: 'default', network: 'red', address: '10.1.0.11' }, '10.1.0.1');
  await vms.join(appliance, { vm: 'b', project: 'default', network: 'red', address: '10.1.0.12' }, '10.1.0.1');
  if (!(await reachable(vms, 'a', '10.1.0.12'))) throw new Error('a does not reach b');
  Object.assign(t.context, { opener, target });
});

test.after.always(async (t) => {
  await t.context.appliance.stop();
  await t.context.vms.remove();
});

function socketOf(appliance: Appliance): string {
  return join(appliance.stateDir, 'attacker.sock');
}

for (const [name, kind] of [
  ['a SYN flood', 'syn'],
  ['a UDP scan', 'open'],
] as const)
  test.serial(`${name} from one VM hurts no other`, async (t) => {
    t.timeout(180_000);
    const { appliance, vms, opener, target } = t.context;
    let arrived = 0;
    let rate = 0;
    const carried: Outcome = await paced(vms, { from: 'a', to: 'b', address: '10.1.0.12', rate: 5_000 }, async () => {
      const flood = sendFlows(vms, attacker, victim, [`kind=${kind}`], socketOf(appliance));
      await sleep(1_000);
      const options = [`first=${kind === 'syn' ? 0 : newFlows}`, `count=${newFlows}`, 'rate=1000'];
      const { counted } = await countedAt(vms, target, () => sendFlows(vms, opener, target, options).ended);
      arrived = counted.open.distinct;
      rate = (await flood.stop()).rate;
    });
    const { items } = await appliance.json<{ items: { port: string; reason: string; packets: number }[] }>(['drops', '-A']);
    const drops = items.filter(({ port }) => port === attacker.vm).map(({ reason, packets }) => `${reason} ${packets}`);
    t.log(`${rate} packets/s; ${arrived} of ${newFlows} new flows; ${JSON.stringify(carried)}; the attacker's drops: ${drops.join(', ')}`);
    t.true(rate > 100_000, `the flood was ${rate} packets/s only`);
    t.true(arrived >= 0.999 * newFlows, `${arrived} of ${newFlows}`);
    t.deepEqual({ lost: carried.lost, duplicated: carried.duplicated }, { lost: 0, duplicated: 0 });
  });
