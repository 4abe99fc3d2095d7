/**
 * DHCPv4 options on a whole appliance, with the clients in use: what port, subnet and network say, boot fields, messages of 576 bytes, and how
 * link-local services are reached in a network that only bridges.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { Appliance } from '../run/appliance.ts';
import { Vms } from '../run/vms.ts';

const test = anyTest as TestFn<{ appliance: Appliance; vms: Vms; folder: string }>;

const dhcpOptions = {
  domainSearch: ['eng.red.example', 'red.example', 'example'],
  tftpServerName: 'boot.red.example',
  bootFile: 'network.0',
  tftpServers: ['10.1.0.7', '10.1.0.8'],
  custom: [{ code: 224, text: 'hello' }],
};
/** Two of them do not fit an options field of 307 bytes beside the others. */
const long = 'x'.repeat(110);
const routes = [{ prefix: '10.9.0.0/16', nextHop: '10.1.0.9' }];
const networks = {
  red: { subnets: [{ cidr: '10.1.0.0/24', routes, dhcpOptions: { ntp: ['10.1.0.5', '10.1.0.6'] } }], domain: 'red.example', dhcpOptions },
  crowded: {
    subnets: [{ cidr: '10.1.0.0/24' }],
    dhcpOptions: { ...dhcpOptions, custom: [224, 225].map((code) => ({ code, text: long })) },
  },
  flat: { forwarding: 'l2', subnets: [{ cidr: '10.1.0.0/24' }] },
};
/** VM and network; its port may say more. */
const stations = [
  ['dhclient', 'red', {}],
  ['udhcpc', 'red', {}],
  ['dhcpcd', 'red', { dhcpOptions: { bootFile: 'port.efi' } }],
  ['small', 'crowded', {}],
  ['bridged', 'flat', {}],
] as const;

/** All output of a shell command. */
async function said(vms: Vms, vm: string, command: string): Promise<string> {
  const result = await vms.exec(vm, ['sh', '-ec', command], 60_000);
  if (result.code !== 0) throw new Error(`${vm}: ${command}: exit ${result.code}\n${result.stdout}${result.stderr}`);
  return result.stdout + result.stderr;
}

test.before(async (t) => {
  t.timeout(120_000);
  const appliance = new Appliance();
  const vms = new Vms('four');
  const folder = mkdtempSync(join(tmpdir(), 'weft-dhcp4-'));
  Object.assign(t.context, { appliance, vms, folder });
  writeFileSync(join(folder, 'bound'), '#!/bin/sh\n[ "$1" != bound ] || env\n', { mode: 0o755 });
  await appliance.start();
  for (const [vm] of stations) await vms.add(vm);
  await appliance.apply([
    ...Object.entries(networks).map(([name, spec]) => ({ kind: 'VirtualNetwork', metadata: { name }, spec })),
    ...stations.map(([vm, network, more]) => ({
      kind: 'Port',
      metadata: { name: vm },
      spec: { network, hostname: vm, binding: { type: 'netns', netns: vms.netns(vm), interface: 'eth0' }, ...more },
    })),
  ]);
  for (const [vm] of stations) await appliance.must(['wait', 'Port', vm, '--for=ready', '--timeout=20s']);
});

test.after.always(async (t) => {
  await t.context.appliance.stop();
  await t.context.vms.remove();
  rmSync(t.context.folder, { recursive: true, force: true });
});

/** What udhcpc hands to its script. */
const udhcpc = (vms: Vms, vm: string, folder: string, options: readonly string[]): Promise<string> =>
  said(vms, vm, `udhcpc -i eth0 -q -n -t 8 -T 1 -s ${folder}/bound ${options.map((option) => `-O ${option}`).join(' ')}`);

test.serial('dhclient takes what it asks for, and the boot fields', async (t) => {
  const { vms, folder } = t.context;
  const asked = 'subnet-mask, routers, domain-search, ntp-servers, tftp-server-name, bootfile-name, tftp150, classless';
  const declared =
    'option classless code 121 = array of unsigned integer 8;\noption tftp150 code 150 = array of ip-address;\noption own code 224 = text;\n';
  writeFileSync(join(folder, 'dhclient.conf'), `${declared}request ${asked};\n`);
  const files = `-sf /bin/true -cf ${folder}/dhclient.conf -lf ${folder}/leases -pf ${folder}/pid`;
  await said(vms, 'dhclient', `dhclient -1 ${files} eth0`);
  const lease = readFileSync(join(folder, 'leases'), 'utf8');
  await said(vms, 'dhclient', `kill "$(cat ${folder}/pid)"`);
  const told = [
    'filename "network.0";',
    'server-name "boot.red.example";',
    'option tftp-server-name "boot.red.example";',
    'option bootfile-name "network.0";',
    'option tftp150 10.1.0.7,10.1.0.8;',
    'option ntp-servers 10.1.0.5,10.1.0.6;',
    'option domain-search "eng.red.example.", "red.example.", "example.";',
    'option classless 16,10,9,10,1,0,9,0,10,1,0,1;',
    'option own "hello";',
  ];
  for (const line of told) t.true(lease.includes(line), `${line}: ${lease}`);
});

test.serial('udhcpc takes the next server, the search list and a custom option', async (t) => {
  const { vms, folder } = t.context;
  const env = await udhcpc(vms, 'udhcpc', folder, ['search', 'ntpsrv', 'bootfile', 'tftp', 'staticroutes']);
  const told = ['siaddr=10.1.0.7', 'boot_file=network.0', 'sname=boot.red.example', 'search=eng.red.example red.example example'];
  for (const line of [...told, 'ntpsrv=10.1.0.5 10.1.0.6', 'staticroutes=10.9.0.0/16 10.1.0.9 0.0.0.0/0 10.1.0.1', 'opt224=68656c6c6f'])
    t.true(env.split('\n').includes(line), `${line}: ${env}`);
});

test.serial('dhcpcd behind a port with a boot file of its own gets that', async (t) => {
  const { vms } = t.context;
  const options = 'ntp_servers,domain_search,classless_static_routes,tftp_server_name,bootfile_name';
  // dhcpcd keeps its state in a file system of this command, and does not end by itself in its test mode.
  const asking = `dhcpcd -T -4 -A -o ${options} eth0 >/run/said 2>&1 &`;
  const waiting = 'for turn in $(seq 240); do sleep 0.25; ! grep -q ^new_tftp_server_name /run/said || break; done; cat /run/said';
  const told = await said(
    vms,
    'dhcpcd',
    `unshare -mpf --kill-child sh -c 'mount -t tmpfs none /run; mkdir -p /var/lib/dhcpcd; mount -t tmpfs none /var/lib/dhcpcd; ${asking} ${waiting}'`,
  );
  for (const line of ["new_bootfile_name='port.efi'", "new_filename='port.efi'", "new_ntp_servers='10.1.0.5 10.1.0.6'"])
    t.true(told.split('\n').includes(line), `${line}: ${told}`);
});

test.serial('a client of 576 bytes gets options in the fields of names, and leases say what it was told', async (t) => {
  const { appliance, vms, folder } = t.context;
  const env = await udhcpc(vms, 'small', folder, ['search', 'bootfile', 'tftp']);
  const hex = Buffer.from(long).toString('hex');
  for (const line of ['bootfile=network.0', 'search=eng.red.example red.example example', `opt224=${hex}`, `opt225=${hex}`])
    t.true(env.split('\n').includes(line), `${line}: ${env}`);
  t.false(env.includes('boot_file='), 'the field holds options');
  const { items } = await appliance.json<{ items: { port: string; state: string; options: number[]; omitted: number[] }[] }>(['leases']);
  const lease = items.find(({ port }) => port === 'small');
  t.like(lease, { state: 'acknowledged', omitted: [] });
  t.true([66, 67, 119, 224, 225].every((code) => lease?.options.includes(code)));
});

test.serial('a network that only bridges leads to link-local services on the link', async (t) => {
  const { vms, folder } = t.context;
  const env = await udhcpc(vms, 'bridged', folder, ['staticroutes']);
  t.true(env.split('\n').includes('staticroutes=169.254.0.0/16 0.0.0.0'), env);
  t.false(env.includes('router='));
});
