/** First packets are decided where packets are: kernel, plugins and the forwarder's JavaScript stand still for a minute, and 10,000 new flows per second pass. */
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { Appliance, run, top, until } from '../../run/appliance.ts';
import { addRawVm, type CountedFlows, countedAt, type RawVm, sendFlows } from '../../run/flow-load.ts';
import { Vms } from '../../run/vms.ts';

interface Context {
  appliance: Appliance;
  vms: Vms;
  openers: RawVm[];
  target: RawVm;
}

const test = anyTest as TestFn<Context>;
const freeze = join(top, 'appliance/traffic/build/freeze');
const seconds = 60;
const openersCount = 4;
/** Of each of them. */
const perSecond = 2_500;
const each = perSecond * seconds;

test.before(async (t) => {
  t.timeout(120_000);
  // Room for all flows of the minute: UDP is remembered for five.
  const appliance = new Appliance({ settings: 'forwarder: { flows: { pairs: 1048576 } }\n' });
  const vms = new Vms('flz');
  Object.assign(t.context, { appliance, vms });
  await appliance.start();
  await appliance.apply([
    { kind: 'VirtualNetwork', metadata: { name: 'red' }, spec: { subnets: [{ cidr: '10.1.0.0/24' }] } },
    { kind: 'SecurityGroup', metadata: { name: 'opens' }, spec: { rules: [{ direction: 'egress', protocol: 'udp' }] } },
    {
      kind: 'SecurityGroup',
      metadata: { name: 'is-asked' },
      spec: { rules: [{ direction: 'ingress', protocol: 'udp', ports: '10000-65535', remote: { group: 'opens' } }] },
    },
  ]);
  const target = await addRawVm(appliance, vms, {
    ...{ vm: 'target', mac: '02:00:00:00:02:99', address: '10.1.0.99' },
    ...{ network: 'red', securityGroups: ['is-asked'] },
  });
  const openers: RawVm[] = [];
  for (let i = 0; i < openersCount; i++) {
    const opener = { vm: `opener${i}`, mac: `02:00:00:00:02:0${i}`, address: `10.1.0.2${i}` };
    openers.push(await addRawVm(appliance, vms, { ...opener, network: 'red', securityGroups: ['opens'] }));
  }
  Object.assign(t.context, { openers, target });
});

test.after.always(async (t) => {
  await t.context.appliance.stop();
  await t.context.vms.remove();
});

test.serial(`${openersCount * perSecond} new flows per second while all JavaScript stands still`, async (t) => {
  t.timeout(300_000);
  const { appliance, vms, openers, target } = t.context;
  const processes = await appliance.processes();
  const stopped = processes.filter(({ name }) => name !== 'forwarder');
  const forwarder = processes.find(({ name }) => name === 'forwarder');
  const { counted, result } = await countedAt(vms, target, async () => {
    for (const { pid } of stopped) process.kill(pid, 'SIGSTOP');
    const frozen = run(freeze, [String(forwarder?.pid), 'fwd-', String(seconds + 5)], { timeoutMs: 120_000 });
    try {
      // Each opener has numbers of its own, so that the target can tell what is missing.
      const senders = openers.map((opener, i) =>
        sendFlows(vms, opener, target, [`first=${i * each}`, `count=${each}`, `rate=${perSecond}`]),
      );
      return await Promise.all(senders.map(({ ended }) => ended));
    } finally {
      const { stdout } = await frozen;
      for (const { pid } of stopped) process.kill(pid, 'SIGCONT');
      const threads = JSON.parse(stdout) as { frozen: number; running: number };
      t.true(threads.frozen >= 2 && threads.running >= 1, stdout);
    }
  });
  t.log(JSON.stringify({ counted, result }));
  t.deepEqual(counted.open satisfies CountedFlows['open'], { received: openersCount * each, distinct: openersCount * each });
  t.true((await until(async () => (await appliance.weft(['status'])).code === 0, 30_000)) === true, 'healthy again');
  const { items } = await appliance.json<{ items: { port: string; punted: number }[] }>(['ports', '-A']);
  const punted = items.filter(({ port }) => port.startsWith('opener')).map(({ punted }) => punted);
  t.deepEqual(
    punted,
    openers.map(() => 0),
  );
});
