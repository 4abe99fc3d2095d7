/**
 * DHCPv6 and router advertisements on a whole appliance, with the clients in use and the Linux network stack as hosts: tenants with the same
 * addresses, a VLAN of a trunk, a network that only bridges, changes of a network, and what hosts hear when the plugin goes.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { Appliance, run, top, until } from '../run/appliance.ts';
import { reachable, Vms } from '../run/vms.ts';

const test = anyTest as TestFn<{ appliance: Appliance; vms: Vms; folder: string }>;

const gateway = 'fe80::200:5eff:fe00:100';
const vlan = 101;
const vlanMac = '02:00:00:00:00:65';
const raIntervalSeconds = 30;
const subnets = [{ cidr: '10.1.0.0/24' }, { cidr: '2001:db8:1::/64', slaac: true }];
const red = { domain: 'red.example', dhcpOptions: { ntp: ['2001:db8:1::123'], domainSearch: ['red.example', 'example.org'] } };
/** VM, project, network. Each has ::11 but those that say otherwise. */
const stations = [
  ['dhclient', 'acme', 'red', '2001:db8:1::11'],
  ['dhcpcd', 'acme', 'red', '2001:db8:1::12'],
  ['kernel', 'acme', 'red', '2001:db8:1::13'],
  ['other', 'globex', 'red', '2001:db8:1::11'],
  ['bridged', 'acme', 'flat', '2001:db8:1::11'],
] as const;

const network = (project: string, name: string, spec: object = {}) => ({
  kind: 'VirtualNetwork',
  metadata: { name, project },
  spec: { subnets, ...red, ...spec },
});

async function must(vms: Vms, vm: string, command: string, timeoutMs = 30_000): Promise<string> {
  const result = await vms.exec(vm, ['sh', '-ec', command], timeoutMs);
  if (result.code !== 0) throw new Error(`${vm}: ${command}: exit ${result.code}\n${result.stdout}${result.stderr}`);
  return result.stdout;
}

const routeOf = async (vms: Vms, vm: string): Promise<string> => must(vms, vm, 'ip -6 route show default dev eth0');
const hasRouter = async (vms: Vms, vm: string): Promise<boolean> => (await routeOf(vms, vm)).includes(`via ${gateway} proto ra`);
const globals = async (vms: Vms, vm: string): Promise<string> => must(vms, vm, 'ip -6 -o address show dev eth0 scope global -tentative');

/** What a port heard: `field` of each router advertisement in the file. */
async function advertised(file: string, field: string): Promise<readonly string[]> {
  const { stdout } = await run('tshark', ['-r', file, '-Y', 'icmpv6.type == 134', '-T', 'fields', '-e', field]);
  return stdout.split('\n').filter((line) => line !== '');
}

/** Writes down what the VM hears while `meanwhile` goes on. */
async function heard(vms: Vms, vm: string, file: string, meanwhile: () => Promise<void>): Promise<void> {
  const sniffer = vms.start(vm, ['tshark', '-Q', '-i', 'eth0', '-w', file, '-f', 'ip6']);
  // It makes the file when it begins to listen.
  if ((await until(async () => existsSync(file), 20_000)) !== true) throw new Error('tshark does not begin');
  await new Promise((resolve) => setTimeout(resolve, 500));
  await meanwhile();
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  await sniffer.stop();
}

test.before(async (t) => {
  t.timeout(120_000);
  const appliance = new Appliance({ settings: `plugins:\n  dhcp: {raIntervalSeconds: ${raIntervalSeconds}, leaseSeconds: 120}\n` });
  const vms = new Vms('six');
  Object.assign(t.context, { appliance, vms, folder: mkdtempSync(join(tmpdir(), 'weft-dhcp6-')) });
  await appliance.start();
  for (const [vm] of stations) await vms.add(vm);
  await vms.add('tagged');
  const trunk = await vms.add('trunk');
  await appliance.apply([
    ...['acme', 'globex'].map((name) => ({ kind: 'Project', metadata: { name }, spec: {} })),
    ...[network('acme', 'red'), network('globex', 'red')],
    network('acme', 'flat', { forwarding: 'l2', subnets: [{ cidr: '2001:db8:1::/64' }] }),
    ...stations.map(([vm, project, name, address]) => ({
      kind: 'Port',
      metadata: { name: vm, project },
      spec: { network: name, hostname: vm, addresses: [address], binding: { type: 'netns', netns: vms.netns(vm), interface: 'eth0' } },
    })),
    {
      kind: 'Trunk',
      metadata: { name: 'trunk', project: 'acme' },
      spec: { binding: { type: 'netns', netns: trunk.netns, interface: 'trunk0' } },
    },
    {
      kind: 'Port',
      metadata: { name: 'tagged', project: 'acme' },
      spec: { network: 'red', mac: vlanMac, addresses: ['2001:db8:1::65'], binding: { type: 'vlan', parent: 'trunk', vlan } },
    },
  ]);
  for (const [vm, project] of stations) await appliance.must(['--project', project, 'wait', 'Port', vm, '--for=ready', '--timeout=20s']);
});

test.after.always(async (t) => {
  await t.context.appliance.stop();
  await t.context.vms.remove();
  rmSync(t.context.folder, { recursive: true, force: true });
});

test.serial('Linux takes router, prefix and MTU from advertisements, and reaches its neighbour by the address it formed', async (t) => {
  const { vms } = t.context;
  for (const vm of ['kernel', 'dhclient', 'dhcpcd', 'other', 'bridged']) await must(vms, vm, 'ip link set eth0 up');
  t.true(await until(() => hasRouter(vms, 'kernel'), 10_000));
  const formed = await until(async () => /2001:db8:1:0:[0-9a-f:]+(?=\/64)/.exec(await globals(vms, 'kernel'))?.[0], 10_000);
  t.truthy(formed);
  t.regex(await must(vms, 'kernel', 'cat /proc/sys/net/ipv6/conf/eth0/mtu'), /^1\d{3}$/m);
  t.true(await until(() => hasRouter(vms, 'dhclient'), 10_000));
  t.true(await reachable(vms, 'dhclient', formed ?? ''));
  t.true(await reachable(vms, 'kernel', '2001:db8:1::1'));
});

test.serial('dhclient -6 gets the address of its port, resolvers, search list and time servers; and gives it back', async (t) => {
  const { appliance, vms, folder } = t.context;
  const files = `-sf /bin/true -lf ${folder}/leases -pf ${folder}/pid`;
  const capture = join(folder, 'dhclient.pcapng');
  await heard(vms, 'dhclient', capture, async () => {
    await must(vms, 'dhclient', `dhclient -6 -1 -D LL ${files} eth0; dhclient -6 -r ${files} eth0`);
  });
  const lease = readFileSync(join(folder, 'leases'), 'utf8');
  for (const told of [
    'iaaddr 2001:db8:1::11 ',
    'name-servers 2001:db8:1::1;',
    '"red.example.", "example.org."',
    'sntp-servers 2001:db8:1::123',
  ])
    t.true(lease.includes(told), `${told}: ${lease}`);
  const malformed = await run('tshark', ['-r', capture, '-Y', '_ws.malformed']);
  t.is(malformed.stdout, '');
  const types = await run('tshark', ['-r', capture, '-Y', 'dhcpv6 && !icmpv6', '-T', 'fields', '-e', 'dhcpv6.msgtype']);
  t.deepEqual(types.stdout.trim().split('\n'), ['1', '2', '3', '7', '8', '7']);
  const { items } = await appliance.json<{ items: { port: string; family: number; state: string }[] }>(['--project', 'acme', 'leases']);
  t.like(
    items.find(({ port, family }) => port === 'dhclient' && family === 6),
    { state: 'released' },
  );
});

test.serial('a VM of another tenant gets the same address, from its own network', async (t) => {
  const { appliance, vms, folder } = t.context;
  const files = `-sf /bin/true -lf ${folder}/other -pf ${folder}/other-pid`;
  await must(vms, 'other', `dhclient -6 -1 -D LL ${files} eth0; dhclient -6 -x ${files} eth0`);
  t.true(readFileSync(join(folder, 'other'), 'utf8').includes('iaaddr 2001:db8:1::11 '));
  const { items } = await appliance.json<{ items: { port: string; state: string; address: string }[] }>(['--project', 'globex', 'leases']);
  t.like(items[0], { port: 'other', state: 'acknowledged', address: '2001:db8:1::11' });
});

test.serial('dhcpcd forms its address, gets that of its port, and confirms it after a restart', async (t) => {
  const { vms } = t.context;
  // Its state in a file system of this command; the leases of its first run are for its second.
  const own = 'mount -t tmpfs none /run; mkdir -p /var/lib/dhcpcd; mount -t tmpfs none /var/lib/dhcpcd';
  const once = 'timeout 12 dhcpcd -6 -B -d -c /bin/true eth0 2>&1 || true';
  const said = await must(vms, 'dhcpcd', `${own}; ${once}; sleep 1; { ${once}; } | sed s/^/again:/`, 60_000);
  t.regex(said, /adding address 2001:db8:1:0:/);
  t.regex(said, /^eth0: adding address 2001:db8:1::12\/128/m);
  t.regex(said, /again:eth0: confirming prior DHCPv6 lease/);
  t.regex(said, /again:eth0: REPLY6 received from fe80::200:5eff:fe00:100/);
  t.regex(said, /again:eth0: adding address 2001:db8:1::12\/128/);
});

test.serial('a VLAN of a trunk hears advertisements, and its clients are answered', async (t) => {
  const { vms } = t.context;
  const splitter = vms.start('trunk', [
    join(top, 'appliance/traffic/build/vlan'),
    'trunk0',
    `${vlan}:${vms.netns('tagged')}:eth0:${vlanMac}`,
  ]);
  try {
    t.true(await until(async () => (await vms.exec('tagged', ['ip', 'link', 'show', 'dev', 'eth0'])).code === 0, 10_000));
    await must(vms, 'tagged', 'ip link set eth0 up');
    t.true(await until(() => hasRouter(vms, 'tagged'), 10_000));
    const { folder } = t.context;
    const files = `-sf /bin/true -lf ${folder}/tagged -pf ${folder}/tagged-pid`;
    await until(async () => !(await must(vms, 'tagged', 'ip -6 address show dev eth0')).includes('tentative'), 10_000);
    await must(vms, 'tagged', `dhclient -6 -1 -D LL ${files} eth0; dhclient -6 -x ${files} eth0`);
    t.true(readFileSync(join(folder, 'tagged'), 'utf8').includes('iaaddr 2001:db8:1::65 '));
  } finally {
    await splitter.stop();
  }
});

test.serial('a network that only bridges has a prefix on its link and no router', async (t) => {
  const { vms, folder } = t.context;
  const files = `-sf /bin/true -lf ${folder}/bridged -pf ${folder}/bridged-pid`;
  t.true(
    await until(async () => (await must(vms, 'bridged', 'ip -6 route show proto kernel dev eth0')).includes('2001:db8:1::/64'), 10_000),
  );
  t.is(await routeOf(vms, 'bridged'), '');
  await must(vms, 'bridged', `dhclient -6 -1 -D LL ${files} eth0; dhclient -6 -x ${files} eth0`);
  t.true(readFileSync(join(folder, 'bridged'), 'utf8').includes('iaaddr 2001:db8:1::11 '));
});

test.serial('a prefix that is no longer for forming addresses is used no more', async (t) => {
  const { appliance, vms } = t.context;
  await appliance.apply([network('acme', 'red', { subnets: [{ cidr: '10.1.0.0/24' }, { cidr: '2001:db8:1::/64' }] })]);
  t.true(await until(async () => /2001:db8:1:0:\S+ .* deprecated .* preferred_lft 0sec/.test(await globals(vms, 'kernel')), 10_000));
  t.true(await hasRouter(vms, 'kernel'));
});

test.serial('a restart of the plugin is not heard of; disabling it is', async (t) => {
  const { appliance, vms, folder } = t.context;
  const capture = join(folder, 'kernel.pcapng');
  await heard(vms, 'kernel', capture, async () => {
    await appliance.must(['plugin', 'restart', 'dhcp']);
    t.true(await hasRouter(vms, 'kernel'));
    await appliance.must(['plugin', 'disable', 'dhcp']);
    t.true(await until(async () => !(await hasRouter(vms, 'kernel')), 10_000));
  });
  const lifetimes = await advertised(capture, 'icmpv6.nd.ra.router_lifetime');
  t.is(lifetimes.at(-1), '0');
  t.deepEqual(
    [...new Set(lifetimes.slice(0, -1))].filter((lifetime) => lifetime !== String(3 * raIntervalSeconds)),
    [],
  );
  t.is((await advertised(capture, 'icmpv6.opt.rdnss.lifetime')).at(-1), '0');
  t.true(await reachable(vms, 'dhclient', '2001:db8:1::1'), 'the gateway goes on');
  await appliance.must(['plugin', 'enable', 'dhcp']);
  t.true(await until(() => hasRouter(vms, 'kernel'), 15_000));
});

test.serial('every packet is accounted for', async (t) => {
  const { items } = await t.context.appliance.json<{ items: { port: string; balanced: boolean }[] }>(['ports', '-A']);
  t.deepEqual(
    items.filter(({ balanced }) => !balanced),
    [],
  );
});
