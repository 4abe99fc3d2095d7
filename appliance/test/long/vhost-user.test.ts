/**
 * Real Linux guests on vhost-user ports and on a vhost-user trunk: addresses by DHCP, both families, TCP both ways with and without
 * offloads, and a forwarder that is killed under them.
 */
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { Appliance, until } from '../../run/appliance.ts';
import { Guest } from '../../run/guest.ts';
import { Vms } from '../../run/vms.ts';

interface Report {
  readonly error?: string;
  readonly end: { sum_received?: { bits_per_second: number } };
}

interface Station {
  readonly name: string;
  /** The appliance makes the socket. */
  readonly server: boolean;
  readonly offloads: boolean;
  readonly mac: string;
  /** The interface that has the addresses. */
  readonly device: string;
  readonly host: number;
}

interface PortLedger {
  readonly port: string;
  readonly rxPackets: number;
  readonly sent: number;
  readonly dropped: number;
  readonly punted: number;
  readonly balanced: boolean;
}

interface Context {
  appliance: Appliance;
  vms: Vms;
  guests: Map<Station, Guest>;
}

const test = anyTest as TestFn<Context>;
const vlan = 101;
const gateway = { v4: '10.1.0.1', v6: '2001:db8:1::1' };
const vm = { v4: '10.1.0.11', v6: '2001:db8:1::11' };
const v4 = ({ host }: Station) => `10.1.0.${host}`;
const v6 = ({ host }: Station) => `2001:db8:1::${host}`;

const stations: readonly Station[] = [
  { name: 'connects', server: true, offloads: true, mac: '02:00:00:00:01:01', device: 'eth0', host: 21 },
  { name: 'listens', server: false, offloads: false, mac: '02:00:00:00:01:02', device: 'eth0', host: 22 },
  { name: 'tagged', server: true, offloads: true, mac: '02:00:00:00:01:03', device: `eth0.${vlan}`, host: 23 },
];

/** A Port with a socket, or a Trunk with one and a Port in one of its VLANs. */
function objects(station: Station, socket: string): object[] {
  const { name, server, mac, device } = station;
  const link = { type: 'vhost-user', socket, server };
  const isTrunk = device !== 'eth0';
  const port = {
    kind: 'Port',
    metadata: { name },
    spec: { network: 'red', mac, addresses: [v4(station), v6(station)], binding: isTrunk ? { type: 'vlan', parent: 'trunk', vlan } : link },
  };
  return isTrunk ? [{ kind: 'Trunk', metadata: { name: 'trunk' }, spec: { binding: link } }, port] : [port];
}

async function pings(guest: Guest, target: string, timeoutMs = 20_000): Promise<boolean> {
  return (await until(async () => (await guest.exec(`ping -c 1 -W 1 ${target}`, 10_000)).code === 0, timeoutMs)) === true;
}

/** Bits per second that arrived at the receiver. */
function bitsPerSecond(report: string): number {
  const { error, end } = JSON.parse(report) as Report;
  if (error !== undefined || end.sum_received === undefined) throw new Error(`iperf3: ${error ?? report}`);
  return end.sum_received.bits_per_second;
}

test.before(async (t) => {
  const appliance = new Appliance();
  const vms = new Vms('vhost');
  const guests = new Map(stations.map((station) => [station, new Guest()]));
  Object.assign(t.context, { appliance, vms, guests });
  await appliance.start();
  const { netns } = await vms.add('a');
  const socket = ({ name }: Station) => join(appliance.stateDir, `${name}.sock`);
  await appliance.apply([
    { kind: 'VirtualNetwork', metadata: { name: 'red' }, spec: { subnets: [{ cidr: '10.1.0.0/24' }, { cidr: '2001:db8:1::/64' }] } },
    {
      kind: 'Port',
      metadata: { name: 'a' },
      spec: { network: 'red', addresses: Object.values(vm), binding: { type: 'netns', netns, interface: 'eth0' } },
    },
    ...stations.flatMap((station) => objects(station, socket(station))),
  ]);
  await appliance.must(['wait', 'Port', 'a', '--for=ready', '--timeout=20s']);
  await vms.configure('a', vm.v4, gateway.v4);
  await vms.exec('a', ['ip', 'address', 'replace', `${vm.v6}/64`, 'dev', 'eth0']);
  for (const [station, guest] of guests) await guest.start({ ...station, socket: socket(station) });
});

test.after.always(async (t) => {
  for (const guest of t.context.guests.values()) await guest.stop();
  await t.context.appliance.stop();
  await t.context.vms.remove();
});

test.serial('each guest gets its address by DHCP', async (t) => {
  for (const [station, guest] of t.context.guests) {
    const { name, device } = station;
    if (device !== 'eth0') await guest.exec(`ip link set eth0 up; ip link add link eth0 name ${device} type vlan id ${vlan}`);
    const lease = await guest.exec(`udhcpc -i ${device} -n -q -t 10`);
    t.is(lease.code, 0, `${name}: ${lease.stdout}`);
    t.regex((await guest.exec(`ip -o address show dev ${device}`)).stdout, new RegExp(`inet ${v4(station)}/24`));
    await t.context.appliance.must(['wait', 'Port', name, '--for=ready', '--timeout=20s']);
  }
});

test.serial('guests ping the gateway, a VM in a namespace and each other, in both families', async (t) => {
  const { guests } = t.context;
  for (const [station, guest] of guests) t.is((await guest.exec(`ip address add ${v6(station)}/64 dev ${station.device}`)).code, 0);
  for (const [station, guest] of guests) {
    const others = stations.filter((other) => other !== station).flatMap((other) => [v4(other), v6(other)]);
    for (const target of [...Object.values(gateway), ...Object.values(vm), ...others])
      t.true(await pings(guest, target), `${station.name} to ${target}`);
  }
});

test.serial('TCP runs both ways between guests and the VM, and between guests', async (t) => {
  const { guests, vms } = t.context;
  const [first, second] = stations as [Station, Station];
  const runs = [
    ...stations.flatMap((client) => Object.values(vm).map((target) => ({ client, target }))),
    { client: first, target: v4(second) },
  ]
    .flatMap((run) => ['', '-R'].map((flag) => ({ ...run, flag })))
    .map((run, index) => ({ ...run, port: 5201 + index }));
  // A server for each, which ends with its run: one that has just served may still refuse the next.
  const servers = (own: boolean) => {
    const ports = runs.filter(({ target }) => (target === v4(second)) === own).map(({ port }) => port);
    return { count: ports.length, command: `for port in ${ports.join(' ')}; do iperf3 -s -1 -p $port >/dev/null 2>&1 & done` };
  };
  const { count, command } = servers(false);
  const onVm = vms.start('a', ['sh', '-c', `${command}; wait`]);
  await guests.get(second)?.exec(servers(true).command);
  const listening = async () => (await vms.exec('a', ['ss', '-Htln'])).stdout.split('\n').filter(Boolean).length === count;
  t.true((await until(listening, 20_000)) === true);
  for (const { client, target, flag, port } of runs) {
    const what = `${client.name} to ${target}${flag === '' ? '' : ', back'}`;
    const report = (await guests.get(client)?.exec(`iperf3 -J -t 3 -p ${port} -c ${target} ${flag}`)) ?? { stdout: '{}' };
    const rate = bitsPerSecond(report.stdout);
    t.log(`${what}: ${(rate / 1e6).toFixed(0)} Mbit/s`);
    // A wrong checksum or a segment that nobody cuts stalls a connection; an emulated guest is slow, but not that slow.
    t.true(rate > 5e6, what);
  }
  await onVm.ended;
});

test.serial('every packet is accounted for', async (t) => {
  const { items } = await t.context.appliance.json<{ items: PortLedger[] }>(['ports', '-A']);
  for (const { port, rxPackets, sent, dropped, punted } of items)
    t.log(`${port}: ${rxPackets} came, ${sent} of its packets left, ${dropped} dropped, ${punted} punted`);
  t.true(items.length > stations.length);
  t.deepEqual(
    items.filter(({ balanced }) => !balanced),
    [],
  );
});

test.serial('guests are reachable again after kill -9 of the forwarder', async (t) => {
  const { appliance, guests } = t.context;
  for (let blow = 0; blow < 3; blow++) {
    const pid = await appliance.pid('forwarder');
    process.kill(pid, 'SIGKILL');
    const start = Date.now();
    await until(async () => (await appliance.pid('forwarder').catch(() => pid)) !== pid, 20_000);
    for (const [{ name }, guest] of guests) t.true(await pings(guest, vm.v4, 30_000), name);
    t.log(`kill ${blow + 1}: all guests reach the VM after ${((Date.now() - start) / 1000).toFixed(1)} s`);
  }
});
