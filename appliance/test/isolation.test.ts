/** Ten tenants, eight ports each, the same addresses and MACs everywhere, random frames: nothing reaches a stranger, every packet is accounted for. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { Appliance, top, until } from '../run/appliance.ts';
import { Vms } from '../run/vms.ts';

const test = anyTest as TestFn<{ appliance: Appliance; vms: Vms }>;

const tenants = Array.from({ length: 10 }, (_, index) => `tenant${index + 1}`);
const ports = tenants.flatMap((tenant, t) =>
  Array.from({ length: 8 }, (_, p) => ({
    tenant,
    vlan: 100 + t * 10 + p,
    mac: `02:00:00:00:01:${(0x10 + p).toString(16)}`,
    ip: `10.1.0.${11 + p}`,
    gateway: '10.1.0.1',
    hostname: `${tenant}-vm${p + 1}`,
  })),
);

function objects(netns: string): unknown[] {
  return [
    { kind: 'Trunk', metadata: { name: 'trunk0', shared: true }, spec: { binding: { type: 'netns', netns, interface: 'trunk0' } } },
    ...tenants.map((name) => ({ kind: 'Project', metadata: { name }, spec: {} })),
    ...tenants.map((project) => ({
      kind: 'VirtualNetwork',
      metadata: { name: 'net', project },
      spec: { subnets: [{ cidr: '10.1.0.0/24' }] },
    })),
    ...ports.map(({ tenant, vlan, mac, ip, hostname }) => ({
      kind: 'Port',
      metadata: { name: hostname, project: tenant },
      spec: { network: 'net', hostname, mac, addresses: [ip], binding: { type: 'vlan', parent: 'default/trunk0', vlan } },
    })),
  ];
}

test.before(async (t) => {
  t.context.appliance = new Appliance();
  t.context.vms = new Vms('iso');
  await t.context.appliance.start();
});

test.after.always(async (t) => {
  await t.context.appliance.stop();
  await t.context.vms.remove();
});

test.serial('random frames from every port to every address reach no stranger', async (t) => {
  const { appliance, vms } = t.context;
  const { netns } = await vms.add('trunk');
  await appliance.apply(objects(netns));
  const active = await until(async () => {
    const { items } = await appliance.json<{ items: { status: { phase: string } }[] }>(['get', 'Port', '-A']);
    return items.length === ports.length && items.every(({ status }) => status.phase === 'Active');
  }, 30_000);
  t.true(active, 'all ports become Active');

  const file = join(appliance.stateDir, 'ports.json');
  writeFileSync(file, JSON.stringify(ports));
  const result = await vms.exec('trunk', ['python3', join(top, 'appliance/traffic/strangers.py'), 'trunk0', file, '20000', '7'], 120_000);
  t.is(result.code, 0, result.stderr);
  const seen = JSON.parse(result.stdout) as { leaks: number; delivered: number; offers: number; answers: number; examples: string[] };
  t.log(result.stdout.trim());
  t.is(seen.leaks, 0, seen.examples.join('\n'));
  t.true(seen.delivered > 500, 'frames within tenants are delivered');
  t.true(seen.offers > 50, 'DHCP answers');
  t.true(seen.answers > 50, 'DNS answers');
});

test.serial('for each port: rx + injected + cloned + originated = sent + dropped + punted', async (t) => {
  const { items } = await t.context.appliance.json<{ items: { port: string; balanced: boolean }[] }>(['ports', '-A']);
  t.true(items.length >= ports.length);
  t.deepEqual(
    items.filter(({ balanced }) => !balanced),
    [],
  );
});
