/** Many flows behind few outside addresses: each has a 5-tuple of its own there, and who opens too many harms nobody else. */
import anyTest, { type TestFn } from 'ava';
import { Appliance } from '../../run/appliance.ts';
import { addRawVm, answerFlows, beyondGateway, countedAtAll, type RawVm, sendFlows } from '../../run/flow-load.ts';
import { Outside } from '../../run/outside.ts';
import { Vms } from '../../run/vms.ts';

interface Context {
  appliance: Appliance;
  vms: Vms;
  openers: RawVm[];
}

const test = anyTest as TestFn<Context>;
const beyond = beyondGateway('198.51.100.9');
const openersCount = 50;
const each = 2_000;

test.before(async (t) => {
  t.timeout(300_000);
  const appliance = new Appliance({ settings: 'forwarder: { flows: { pairs: 1048576, portPercent: 50 } }\n' });
  const vms = new Vms('natf');
  const outside = new Outside(vms, [{ name: 'internet', interfaces: [{ uplink: 'world', addresses: ['192.0.2.254/24'] }] }]);
  Object.assign(t.context, { appliance, vms });
  await outside.add();
  await appliance.start();
  await appliance.apply([
    {
      kind: 'Uplink',
      metadata: { name: 'world' },
      spec: { binding: outside.binding('world'), addresses: ['192.0.2.1/24'], gateways: ['192.0.2.254'] },
    },
    { kind: 'SnatPool', metadata: { name: 'public' }, spec: { addresses: [100, 101, 102, 103].map((host) => `192.0.2.${host}`) } },
    { kind: 'VirtualNetwork', metadata: { name: 'red' }, spec: { subnets: [{ cidr: '10.1.0.0/24' }] } },
    { kind: 'LogicalRouter', metadata: { name: 'out' }, spec: { networks: ['red'], external: { snatPool: 'public' } } },
  ]);
  await outside.setUp();
  const openers: RawVm[] = [];
  for (let i = 0; i < openersCount; i++) {
    const number = String(i + 10);
    openers.push(
      await addRawVm(appliance, vms, { vm: `o${number}`, mac: `02:00:00:00:05:${number}`, address: `10.1.0.1${number}`, network: 'red' }),
    );
  }
  Object.assign(t.context, { openers });
});

test.after.always(async (t) => {
  await t.context.appliance.stop();
  await t.context.vms.remove();
});

test.serial(`${openersCount * each} flows of ${openersCount} ports to one place have ${openersCount * each} outside ports`, async (t) => {
  t.timeout(300_000);
  const { appliance, vms, openers } = t.context;
  const answerer = await answerFlows(vms, 'internet', 'eth0');
  const { counted } = await countedAtAll(vms, openers, async () => {
    for (const _ of ['once', 'again, by the same outside ports', 'and what full queues of the machine lost'])
      await Promise.all(
        openers.map(
          (opener, i) => sendFlows(vms, opener, beyond, [`number=${i * each}`, `count=${each}`, `ports=${each}`, 'rate=200']).ended,
        ),
      );
  });
  const { items } = await appliance.json<{ items: object[] }>(['drops', '-A']);
  t.log(JSON.stringify(items));
  const { distinct, shared, moved } = await answerer.stop();
  t.deepEqual({ distinct, shared, moved }, { distinct: openersCount * each, shared: 0, moved: 0 });
  t.deepEqual(
    counted.map(({ back }) => back.distinct),
    openers.map(() => each),
  );
});

test.serial('one port opens 100,000 flows, and the new flows of the others succeed', async (t) => {
  t.timeout(300_000);
  const { vms, appliance, openers } = t.context;
  const [attacker, ...others] = openers.slice(0, 11);
  if (attacker === undefined) return t.fail('no attacker');
  const [storm, own, base] = [100_000, 1_500, 1_000_000];
  const answerer = await answerFlows(vms, 'internet', 'eth0');
  const { counted } = await countedAtAll(vms, others, async () => {
    // From other ports inside than in the test before: each flow needs an outside port of its own.
    const flood = sendFlows(vms, attacker, beyond, [`first=${each}`, `number=${base}`, `count=${storm}`, 'rate=10000']);
    const news = others.map((other, i) =>
      sendFlows(vms, other, beyond, [`first=${each}`, `number=${i * own}`, `count=${own}`, 'rate=150']),
    );
    await Promise.all([flood, ...news].map(({ ended }) => ended));
  });
  const answered = await answerer.stop();
  const succeeded = counted.reduce((sum, { back }) => sum + back.distinct, 0);
  const { items } = await appliance.json<{ items: { reason: string; packets: number }[] }>(['drops', '--port', attacker.vm]);
  const exhausted = items.find(({ reason }) => reason === 'nat-exhausted')?.packets ?? 0;
  t.log(JSON.stringify({ answered, succeeded, of: others.length * own, exhausted }));
  t.true(succeeded >= 0.999 * others.length * own, `${succeeded} of ${others.length * own}`);
  t.is(answered.shared, 0);
  t.true(exhausted >= storm - 2 * 8 * 512, `${exhausted} packets of the attacker found no port`);
});
