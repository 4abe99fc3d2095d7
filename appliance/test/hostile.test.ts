/** A plugin that does everything that it may not: nothing comes of it, it is counted, logged and named, and nobody else notices. */
import { createHash } from 'node:crypto';
import anyTest, { type TestFn } from 'ava';
import { type Appliance, until, usage } from '../run/appliance.ts';
import { reachable, Vms } from '../run/vms.ts';
import { hostileAppliance, loggedRefusals, type Outcome, operation, refusals, strangers } from './hostile-plugin.ts';

type Pids = Readonly<Record<string, number>>;

const test = anyTest as TestFn<{ appliance: Appliance; vms: Vms; before: Pids; close: () => void; target: object }>;

/** Acts that reach a wall of ours, and how many of each at least. */
const counted = {
  ...{ 'objects.list': 4, 'objects.watch': 1, 'objects.apply': 10, 'objects.status': 4, 'objects.finalize': 1 },
  ...{ 'alarm.set': 3, 'alarm.clear': 1, hello: 2, 'unknown-method': 3 },
  ...{ 'rows.apply': 12, 'rows.read': 1, 'ports.capture': 1, 'ports.trace': 1, 'inject-lost': 3 },
};

async function pidsOf(appliance: Appliance): Promise<Pids> {
  return Object.fromEntries((await appliance.processes()).map(({ name, pid }) => [name, pid]));
}

function without(pids: Pids, name: string): Pids {
  return Object.fromEntries(Object.entries(pids).filter(([key]) => key !== name));
}

/** Forgiven, whatever it did before, and at once, whatever it is at. */
async function startAnew(appliance: Appliance): Promise<void> {
  const { hostile } = await pidsOf(appliance);
  if (hostile !== undefined) process.kill(hostile, 'SIGKILL');
  await appliance.must(['plugin', 'restart', 'hostile']);
}

test.before(async (t) => {
  const appliance = hostileAppliance();
  const vms = new Vms('hst');
  const { close, ...outside } = await strangers(`weft-hostile-${process.pid}`);
  Object.assign(t.context, { appliance, vms, close });
  await appliance.start();
  await appliance.apply([
    { kind: 'VirtualNetwork', metadata: { name: 'red' }, spec: { subnets: [{ cidr: '10.1.0.0/24' }] } },
    { kind: 'LogicalRouter', metadata: { name: 'edge' }, spec: { networks: ['red'] } },
  ]);
  await vms.join(appliance, { vm: 'a', project: 'default', network: 'red', address: '10.1.0.11' }, '10.1.0.1');
  await vms.join(appliance, { vm: 'b', project: 'default', network: 'red', address: '10.1.0.12' }, '10.1.0.1');
  const red = await appliance.json<{ status: { id: number } }>(['get', 'network', 'red']);
  const runDir = `/run/weft-${createHash('sha256').update(appliance.stateDir).digest('hex').slice(0, 8)}`;
  const before = await pidsOf(appliance);
  const target = {
    pids: { ...before, launcher: appliance.launcherPid },
    network: red.status.id,
    stateDir: appliance.stateDir,
    runDir,
    ...outside,
  };
  Object.assign(t.context, { before, target });
});

test.after.always(async (t) => {
  t.context.close();
  await t.context.appliance.stop();
  await t.context.vms.remove();
});

test.serial('each of more than fifty forbidden acts is refused', async (t) => {
  const { appliance, target } = t.context;
  const { items } = await operation<{ items: string[] }>(appliance, 'hostile.acts', {});
  t.true(items.length >= 50, `${items.length} acts`);
  const outcomes: Outcome[] = [];
  for (const name of items) outcomes.push(await operation<Outcome>(appliance, 'hostile.act', { name, target }));
  t.deepEqual(
    outcomes.filter(({ refused }) => !refused),
    [],
  );
  t.log(`${outcomes.length} acts, all refused`);
});

test.serial('what reached a wall of ours is counted and logged', async (t) => {
  const { appliance } = t.context;
  const counts = await refusals(appliance, 'hostile');
  const logged = ['kernel', 'forwarder'].map((name) => loggedRefusals(appliance, name, 'hostile'));
  for (const [act, least] of Object.entries(counted)) {
    t.true((counts.get(act) ?? 0) >= least, `${act}: ${counts.get(act)} counted, of ${least}`);
    t.true(
      logged.some((acts) => acts.has(act)),
      `${act} is in no log`,
    );
  }
  t.deepEqual([...(await refusals(appliance, 'dns'))], [], 'nobody else was refused anything');
});

test.serial('an alarm names the plugin', async (t) => {
  const alarms = await t.context.appliance.json<{ items: { metadata: { name: string }; status: { text: string } }[] }>(['get', 'alarms']);
  const told = alarms.items.find(({ metadata }) => metadata.name === 'kernel.refusals-hostile');
  t.regex(told?.status.text ?? '', /plugin hostile was refused 20 acts/);
});

test.serial('packets flow, and every process is the one that it was', async (t) => {
  const { appliance, vms, before } = t.context;
  t.deepEqual(await pidsOf(appliance), before);
  t.true(await reachable(vms, 'a', '10.1.0.12'));
});

for (const flood of ['malformed', 'hellos', 'streams', 'gigabyte', 'endless', 'memory']) {
  test.serial(`a flood of kind "${flood}" leaves the others as they were`, async (t) => {
    const { appliance, vms, before } = t.context;
    await startAnew(appliance);
    const ready = await until(async () => operation(appliance, 'hostile.flood', { name: flood, ms: 1_000 }).catch(() => undefined), 20_000);
    t.truthy(ready, 'the flood began');
    let most = 0;
    for (const end = Date.now() + 1_500; Date.now() < end; ) {
      const began = performance.now();
      await appliance.json(['get', 'projects']);
      t.true(performance.now() - began < 3_000);
      most = Math.max(most, usage(before.kernel ?? 0).rssBytes);
    }
    t.true(await reachable(vms, 'a', '10.1.0.12'));
    t.deepEqual(without(await pidsOf(appliance), 'hostile'), without(before, 'hostile'));
    t.log(`the kernel had ${most >> 20} MiB at most`);
    t.true(most < 1 << 30);
  });
}
