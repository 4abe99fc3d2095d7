/** Doing nothing costs next to nothing: less than 5 % of a core and 700 MiB for everything, with the demo's number of ports. */
import anyTest, { type TestFn } from 'ava';
import { Appliance, usage } from '../../run/appliance.ts';
import { Vms } from '../../run/vms.ts';

const test = anyTest as TestFn<{ appliance: Appliance; vms: Vms }>;

test.before(async (t) => {
  const appliance = new Appliance();
  const vms = new Vms('idle');
  Object.assign(t.context, { appliance, vms });
  await appliance.start();
  await appliance.apply([{ kind: 'VirtualNetwork', metadata: { name: 'red' }, spec: { subnets: [{ cidr: '10.1.0.0/24' }] } }]);
  for (let index = 0; index < 6; index++)
    await vms.join(appliance, { vm: `p${index}`, project: 'default', network: 'red', address: `10.1.0.${11 + index}` }, '10.1.0.1');
});

test.after.always(async (t) => {
  await t.context.appliance.stop();
  await t.context.vms.remove();
});

test.serial('idle: < 5 % of a core, < 700 MiB', async (t) => {
  const { appliance } = t.context;
  const pids = [...(await appliance.processes()), { name: 'launcher', pid: appliance.launcherPid }];
  await new Promise((resolve) => setTimeout(resolve, 10_000));
  const before = pids.map(({ pid }) => usage(pid).cpuSeconds);
  const seconds = 60;
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const rows = pids.map(({ name, pid }, index) => {
    const { rssBytes, cpuSeconds } = usage(pid);
    return { name, cpuPercent: ((cpuSeconds - (before[index] ?? 0)) / seconds) * 100, mib: rssBytes / 2 ** 20 };
  });
  for (const { name, cpuPercent, mib } of rows)
    t.log(`${name.padEnd(10)} ${cpuPercent.toFixed(2).padStart(6)} % ${mib.toFixed(0).padStart(5)} MiB (proportional)`);
  const cpu = rows.reduce((sum, { cpuPercent }) => sum + cpuPercent, 0);
  const mib = rows.reduce((sum, row) => sum + row.mib, 0);
  t.log(`together   ${cpu.toFixed(2).padStart(6)} % ${mib.toFixed(0).padStart(5)} MiB`);
  t.true(cpu < 5);
  t.true(mib < 700);
});
