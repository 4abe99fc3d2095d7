/** kill -9 of the forwarder under 100,000 flows: it forwards again within a second, every flow is kept, and no packet of one goes to a wrong port. */
import { setTimeout as sleep } from 'node:timers/promises';
import anyTest, { type TestFn } from 'ava';
import { Appliance, until } from '../../run/appliance.ts';
import { addRawVm, countedAt, type RawVm, sendFlows } from '../../run/flow-load.ts';
import { paced } from '../../run/pace.ts';
import { reachable, Vms } from '../../run/vms.ts';

interface Context {
  appliance: Appliance;
  vms: Vms;
  opener: RawVm;
  answerer: RawVm;
  stranger: RawVm;
}

const test = anyTest as TestFn<Context>;
const flows = 100_000;
const blows = 20;

test.before(async (t) => {
  t.timeout(120_000);
  const appliance = new Appliance();
  const vms = new Vms('fld');
  Object.assign(t.context, { appliance, vms });
  await appliance.start();
  const network = (name: string) => ({ kind: 'VirtualNetwork', metadata: { name }, spec: { subnets: [{ cidr: '10.1.0.0/24' }] } });
  const group = (name: string, direction: string) => ({
    kind: 'SecurityGroup',
    metadata: { name },
    spec: { rules: [{ direction, protocol: 'udp' }] },
  });
  // What answers may pass only as part of a flow.
  await appliance.apply([network('red'), network('blue'), group('opens', 'egress'), group('is-asked', 'ingress')]);
  const red = { network: 'red' } as const;
  const opener = { vm: 'opener', mac: '02:00:00:00:01:01', address: '10.1.0.21' };
  const answerer = { vm: 'answerer', mac: '02:00:00:00:01:02', address: '10.1.0.22' };
  // The same addresses in another network.
  const stranger = { vm: 'stranger', mac: '02:00:00:00:01:01', address: '10.1.0.21' };
  await addRawVm(appliance, vms, { ...opener, ...red, securityGroups: ['opens'] });
  await addRawVm(appliance, vms, { ...answerer, ...red, securityGroups: ['is-asked'] });
  await addRawVm(appliance, vms, { ...stranger, network: 'blue' });
  await vms.join(appliance, { vm: 'a', project: 'default', network: 'red', address: '10.1.0.11' }, '10.1.0.1');
  await vms.join(appliance, { vm: 'b', project: 'default', network: 'red', address: '10.1.0.12' }, '10.1.0.1');
  if (!(await reachable(vms, 'a', '10.1.0.12'))) throw new Error('a does not reach b');
  Object.assign(t.context, { opener, answerer, stranger });
});

test.after.always(async (t) => {
  await t.context.appliance.stop();
  await t.context.vms.remove();
});

/** Packets of a port that belonged to no flow. What the machine's own queues lose is no flow lost. */
async function denied(appliance: Appliance, port: string): Promise<number> {
  const { items } = await appliance.json<{ items: { reason: string; packets: number }[] }>(['drops', '--port', port]);
  return items.find(({ reason }) => reason === 'policy-denied')?.packets ?? 0;
}

/** Kills the forwarder while nobody else can help it, and says how long a stream was silent. */
async function gapOfBlow(appliance: Appliance, vms: Vms): Promise<number> {
  const processes = await appliance.processes();
  const control = processes.filter(({ name }) => name !== 'forwarder');
  const forwarder = processes.find(({ name }) => name === 'forwarder');
  const { longestGapMs } = await paced(vms, { from: 'a', to: 'b', address: '10.1.0.12', rate: 1_000 }, async () => {
    for (const { pid } of control) process.kill(pid, 'SIGSTOP');
    process.kill(forwarder?.pid ?? 0, 'SIGKILL');
    await sleep(2_500);
    for (const { pid } of control) process.kill(pid, 'SIGCONT');
  });
  return longestGapMs;
}

test.serial(`${blows} kills with ${flows} flows`, async (t) => {
  t.timeout(900_000);
  const { appliance, vms, opener, answerer, stranger } = t.context;
  const options = [`count=${flows}`, 'rate=25000'];
  const opened = await countedAt(vms, answerer, () => sendFlows(vms, opener, answerer, options).ended);
  t.is(opened.counted.open.distinct, flows);
  const gaps: number[] = [];
  const strangers = await countedAt(vms, stranger, async () => {
    for (let blow = 0; blow < blows; blow++) {
      gaps.push(await gapOfBlow(appliance, vms));
      const { counted } = await countedAt(vms, opener, async () => {
        for (const _ of ['once', 'and what a full queue lost']) await sendFlows(vms, answerer, opener, ['kind=back', ...options]).ended;
      });
      t.is(counted.back.distinct, flows, `after blow ${blow + 1}`);
      t.true((await until(async () => (await appliance.weft(['status'])).code === 0, 30_000)) === true, 'healthy again');
      t.is(await denied(appliance, answerer.vm), 0, `after blow ${blow + 1}`);
    }
  });
  t.log(`gaps, ms: ${gaps.map(Math.round).join(' ')}`);
  t.deepEqual(strangers.counted, { open: { received: 0, distinct: 0 }, back: { received: 0, distinct: 0 } });
  t.true(Math.max(...gaps) <= 1_000, `longest gap ${Math.max(...gaps)} ms`);
});

test.serial('what belongs to no flow does not pass', async (t) => {
  const { vms, opener, answerer } = t.context;
  const unknown = ['kind=back', `first=${flows}`, 'count=1000', 'rate=10000'];
  const { counted } = await countedAt(vms, opener, () => sendFlows(vms, answerer, opener, unknown).ended);
  t.is(counted.back.received, 0);
});
