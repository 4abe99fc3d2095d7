/** Deleting the folder of any plugin but `network` leaves everything else booting and working. */
import { rmSync } from 'node:fs';
import test from 'ava';
import { Appliance } from '../run/appliance.ts';
import { copyWithout } from '../run/copy.ts';
import { reachable, Vms } from '../run/vms.ts';

for (const [plugin, other] of [
  ['dhcp', 'dns'],
  ['dns', 'dhcp'],
  ['metadata', 'dns'],
  ['link-local', 'dns'],
  ['policy', 'dns'],
  ['snat', 'dns'],
] as const) {
  test.serial(`without the folder plugins/${plugin} the appliance boots, forwards and serves ${other}`, async (t) => {
    const programDir = await copyWithout([plugin]);
    const appliance = new Appliance({ programDir });
    const vms = new Vms(`no${plugin}`);
    t.teardown(async () => {
      await appliance.stop();
      await vms.remove();
      rmSync(programDir, { recursive: true, force: true });
    });
    await appliance.start();
    await appliance.apply([{ kind: 'VirtualNetwork', metadata: { name: 'red' }, spec: { subnets: [{ cidr: '10.1.0.0/24' }] } }]);
    await vms.join(appliance, { vm: 'a', project: 'default', network: 'red', address: '10.1.0.11' }, '10.1.0.1');
    await vms.join(appliance, { vm: 'b', project: 'default', network: 'red', address: '10.1.0.12' }, '10.1.0.1');
    t.true(await reachable(vms, 'a', '10.1.0.12'));
    const command =
      other === 'dns'
        ? ['dig', '+short', '+time=2', '@10.1.0.1', 'b']
        : ['udhcpc', '-i', 'eth0', '-q', '-n', '-t', '3', '-T', '1', '-s', '/bin/true'];
    const result = await vms.exec('a', command);
    t.is(result.code, 0, result.stderr);
    if (other === 'dns') t.is(result.stdout.trim(), '10.1.0.12');
    const { plugins } = await appliance.json<{ plugins: { name: string }[] }>(['status']);
    t.false(plugins.some(({ name }) => name === plugin));
  });
}
