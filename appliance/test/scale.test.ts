/** 100 networks and 1,000 ports in one file, six of them live; test/long/scale.test.ts is ten times as large. */
import anyTest, { type TestFn } from 'ava';
import { Appliance, until } from '../run/appliance.ts';
import { portsOf, Site } from '../run/site.ts';
import { Vms } from '../run/vms.ts';

const test = anyTest as TestFn<{ appliance: Appliance; vms: Vms }>;
const seed = Number(process.env.SEED ?? process.pid);

test.before(async (t) => {
  const appliance = new Appliance();
  Object.assign(t.context, { appliance, vms: new Vms('small') });
  await appliance.start();
});

test.after.always(async (t) => {
  await t.context.appliance.stop();
  await t.context.vms.remove();
});

test('a file with 1,000 ports is programmed, six random ones serve real clients, and deleting it leaves nothing', async (t) => {
  t.timeout(120_000);
  const { appliance, vms } = t.context;
  const site = new Site({ networks: 100, portsPerNetwork: 10, liveNetworks: 3, seed }, vms);
  for (const vm of site.vms) await vms.add(vm);
  await appliance.must(['apply', '-f', '-'], { input: site.file() });
  t.true(await until(() => site.allActive(appliance), 60_000));
  t.deepEqual(await site.verify(appliance), [], `SEED=${seed}`);
  await appliance.must(['delete', '-f', '-'], { input: site.file() });
  t.true(await until(async () => !(await site.anyLink()), 30_000), 'links stayed in the namespaces');
  t.deepEqual(await portsOf(appliance), []);
  t.deepEqual((await appliance.json<{ items: unknown[] }>(['ports', '-A'])).items, []);
});
