/**
 * IPv4 and IPv6 side by side, with the Linux network stack and its usual tools as VMs: addresses set by hand and learnt, duplicate
 * addresses detected, the gateway as first hop, path MTU, throughput, multicast, VLANs of a trunk, and no forged address.
 */
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { Appliance, type Result, top, until } from '../run/appliance.ts';
import { reachable, Vms } from '../run/vms.ts';

const test = anyTest as TestFn<{ appliance: Appliance; vms: Vms }>;

const gateway = { v4: '10.1.0.1', v6: '2001:db8:1::1', linkLocal: 'fe80::200:5eff:fe00:100' };
const multicast = join(top, 'appliance/traffic/multicast.py');
const trunkVlans = [101, 102];

const network = (project: string, name: string, number: number, spec: object = {}) => ({
  kind: 'VirtualNetwork',
  metadata: { name, project },
  spec: { subnets: [{ cidr: `10.${number}.0.0/24` }, { cidr: `2001:db8:${number}::/64`, slaac: true }], ...spec },
});

interface Station {
  readonly vm: string;
  readonly project: string;
  readonly network: string;
  readonly subnet: number;
  readonly host: number;
  readonly spec?: object;
}

const stations: readonly Station[] = [
  { vm: 'a', project: 'acme', network: 'red', subnet: 1, host: 11 },
  { vm: 'b', project: 'acme', network: 'red', subnet: 1, host: 12 },
  { vm: 'router', project: 'acme', network: 'red', subnet: 1, host: 13, spec: { portSecurity: false } },
  { vm: 'slaac', project: 'acme', network: 'red', subnet: 1, host: 14, spec: { addresses: [] } },
  { vm: 'c', project: 'acme', network: 'blue', subnet: 2, host: 11 },
  { vm: 'x', project: 'globex', network: 'red', subnet: 1, host: 11 },
  { vm: 'y', project: 'globex', network: 'red', subnet: 1, host: 12 },
];

const v4 = ({ subnet, host }: Station) => `10.${subnet}.0.${host}`;
const v6 = ({ subnet, host }: Station) => `2001:db8:${subnet}::${host}`;
const station = (name: string): Station => stations.find(({ vm }) => vm === name) ?? (stations[0] as Station);

function port(at: Station, netns: string): object {
  return {
    kind: 'Port',
    metadata: { name: at.vm, project: at.project },
    spec: {
      network: at.network,
      hostname: at.vm,
      addresses: [v4(at), v6(at)],
      binding: { type: 'netns', netns, interface: 'eth0' },
      ...at.spec,
    },
  };
}

async function must(vms: Vms, vm: string, command: string, timeoutMs = 30_000): Promise<string> {
  const result = await vms.exec(vm, ['sh', '-ec', command], timeoutMs);
  if (result.code !== 0) throw new Error(`${vm}: ${command}: exit ${result.code}\n${result.stdout}${result.stderr}`);
  return result.stdout;
}

/** What an operator types in a VM. IPv6 addresses go through duplicate address detection. */
async function configure(vms: Vms, at: Station): Promise<void> {
  await must(
    vms,
    at.vm,
    `ip address replace ${v4(at)}/24 dev eth0; ip route replace default via 10.${at.subnet}.0.1
     ip address replace ${v6(at)}/64 dev eth0; ip -6 route replace default via ${gateway.linkLocal} dev eth0`,
  );
}

async function settled(vms: Vms, vm: string): Promise<boolean> {
  const done = async () => !(await must(vms, vm, 'ip -6 address show dev eth0')).includes('tentative');
  return (await until(done, 10_000)) === true;
}

/** Sends router advertisements for the network's prefix. */
function advertise(vms: Vms, vm: string, options: readonly string[]) {
  const quiet = ['--no-daemon', '--conf-file=/dev/null', '--port=0', '--user=root', '--log-facility=/dev/null'];
  return vms.start(vm, ['dnsmasq', ...quiet, '--interface=eth0', '--enable-ra', '--dhcp-range=2001:db8:1::,ra-only,64', ...options]);
}

async function drops(appliance: Appliance, project: string, name: string): Promise<Map<string, number>> {
  const { items } = await appliance.json<{ items: { reason: string; packets: number }[] }>(['--project', project, 'drops', '--port', name]);
  return new Map(items.map(({ reason, packets }) => [reason, packets]));
}

test.before(async (t) => {
  const appliance = new Appliance();
  const vms = new Vms('dual');
  Object.assign(t.context, { appliance, vms });
  await appliance.start();
  const netns = new Map<string, string>();
  for (const { vm } of stations) netns.set(vm, (await vms.add(vm)).netns);
  for (const vlan of trunkVlans) await vms.add(`vlan${vlan}`);
  const trunk = await vms.add('trunk');
  await appliance.apply([
    { kind: 'Project', metadata: { name: 'acme' }, spec: {} },
    { kind: 'Project', metadata: { name: 'globex' }, spec: {} },
    network('acme', 'red', 1),
    network('acme', 'blue', 2, { mtu: 1400 }),
    network('globex', 'red', 1),
    { kind: 'LogicalRouter', metadata: { name: 'core', project: 'acme' }, spec: { networks: ['red', 'blue'] } },
    ...stations.map((at) => port(at, netns.get(at.vm) ?? '')),
    {
      kind: 'Trunk',
      metadata: { name: 'trunk', project: 'acme' },
      spec: { binding: { type: 'netns', netns: trunk.netns, interface: 'trunk0' } },
    },
    ...trunkVlans.map((vlan) => ({
      kind: 'Port',
      metadata: { name: `vlan${vlan}`, project: 'acme' },
      spec: {
        network: 'red',
        mac: `02:00:00:00:00:${vlan - 41}`,
        addresses: [`10.1.0.${vlan}`, `2001:db8:1::${vlan}`],
        binding: { type: 'vlan', parent: 'trunk', vlan },
      },
    })),
  ]);
  for (const at of stations) {
    await appliance.must(['--project', at.project, 'wait', 'Port', at.vm, '--for=ready', '--timeout=20s']);
    if (at.vm !== 'slaac') await configure(vms, at);
  }
});

test.after.always(async (t) => {
  await t.context.appliance.stop();
  await t.context.vms.remove();
});

test.serial('addresses set by hand pass duplicate address detection, and neighbours answer in both families', async (t) => {
  const { vms } = t.context;
  for (const vm of ['a', 'b', 'c', 'x', 'y']) t.true(await settled(vms, vm), vm);
  t.notRegex(await must(vms, 'a', 'ip -6 address show dev eth0'), /dadfailed/);
  for (const target of [v4(station('b')), v6(station('b'))]) t.true(await reachable(vms, 'a', target), target);
});

test.serial('the gateway answers a ping at its addresses of both families and at its link-local one', async (t) => {
  const { vms } = t.context;
  for (const target of [gateway.v4, gateway.v6, `${gateway.linkLocal}%eth0`]) t.true(await reachable(vms, 'a', target), target);
});

test.serial('a large ping to the gateway and to a neighbour is answered, in fragments or not', async (t) => {
  const { vms } = t.context;
  for (const target of [v4(station('b')), v6(station('b')), v4(station('c')), v6(station('c'))]) {
    const { code, stdout } = await vms.exec('a', ['ping', '-n', '-c', '2', '-i', '0.2', '-W', '2', '-s', '5000', '-M', 'dont', target]);
    t.is(code, 0, `${target}: ${stdout}`);
  }
  t.is((await vms.exec('a', ['ping', '-n', '-c', '1', '-W', '2', '-s', '1400', gateway.v4])).code, 0);
});

test.serial('networks of a router reach each other; tenants with the same addresses do not meet', async (t) => {
  const { vms } = t.context;
  for (const target of [v4(station('c')), v6(station('c'))]) {
    t.true(await reachable(vms, 'a', target), `a to ${target}`);
    t.false(await reachable(vms, 'x', target, 2_000), `x to ${target}`);
  }
  for (const target of [v4(station('y')), v6(station('y'))]) t.true(await reachable(vms, 'x', target), `x to ${target}`);
});

test.serial('a duplicate IPv6 address is detected by the VM that takes it second', async (t) => {
  const { vms } = t.context;
  await must(vms, 'b', `ip address add ${v6(station('a'))}/64 dev eth0`);
  const failed = await until(async () => (await must(vms, 'b', 'ip -6 address show dev eth0')).includes('dadfailed'), 10_000);
  await must(vms, 'b', `ip address delete ${v6(station('a'))}/64 dev eth0`);
  t.true(failed);
  t.true(await reachable(vms, 'c', v6(station('a'))));
});

test.serial('a VM that forms its own address from router advertisements is reached, also across the router', async (t) => {
  const { vms } = t.context;
  const advertiser = advertise(vms, 'router', ['--ra-param=eth0,4,0']);
  try {
    const address = await until(async () => {
      const shown = await must(vms, 'slaac', 'ip -6 -o address show dev eth0 scope global dynamic -tentative');
      return /inet6 (2001:db8:1::?[0-9a-f:]+)\/64/.exec(shown)?.[1];
    }, 20_000);
    if (address === undefined) return t.fail('no address was formed');
    await must(vms, 'slaac', `ip -6 route replace default via ${gateway.linkLocal} dev eth0`);
    t.log(`formed ${address}`);
    t.true(await reachable(vms, 'a', address), 'from the same network');
    t.true(await reachable(vms, 'c', address), 'from the other network');
  } finally {
    await advertiser.stop();
  }
});

test.serial('a router advertisement from a port with security is dropped', async (t) => {
  const { appliance, vms } = t.context;
  const forger = advertise(vms, 'b', []);
  const seen = await until(async () => (await drops(appliance, 'acme', 'b')).get('router-guard'), 15_000, 500);
  await forger.stop();
  t.true((seen ?? 0) > 0);
});

test.serial('traceroute shows the gateway as the first hop and the VM as the second', async (t) => {
  const { vms } = t.context;
  for (const [target, first] of [
    [v4(station('c')), gateway.v4],
    [v6(station('c')), gateway.v6],
  ] as const) {
    for (const method of ['-I', '-U']) {
      const shown = await must(vms, 'a', `traceroute -n -q 1 -w 2 -m 4 ${method} ${target}`);
      const hops = [...shown.matchAll(/^\s*(\d+)\s+(\S+)/gm)].map(([, , hop]) => hop);
      t.deepEqual(hops.slice(-2), [first, target], shown);
    }
  }
});

test.serial('tracepath finds the smaller MTU behind the router', async (t) => {
  const { vms } = t.context;
  for (const target of [v4(station('c')), v6(station('c'))]) {
    const shown = await must(vms, 'a', `tracepath -n -m 4 ${target}`, 60_000);
    t.regex(shown, /pmtu 1400/, shown);
    t.regex(shown, /reached/, shown);
  }
});

test.serial('iperf3 runs over TCP and UDP in both families, bridged and routed, with and without offloads', async (t) => {
  const { vms } = t.context;
  let nextPort = 5_300;
  for (const offload of ['on', 'off']) {
    await must(vms, 'a', `ethtool -K eth0 tx ${offload} tso ${offload} gso ${offload} gro ${offload}`);
    for (const to of ['b', 'c']) {
      for (const target of [v4(station(to)), v6(station(to))]) {
        for (const kind of [
          ['-t', '1'],
          ['-t', '1', '-R'],
          ['-u', '-b', '50M', '-t', '1'],
        ] as const) {
          // A port of its own for each run: a server that has just served may refuse the next client.
          const number = String(nextPort++);
          // Bound: over UDP it would answer from the address that the VM formed by itself, and the client would wait for ever.
          await must(vms, to, `iperf3 --server --one-off --daemon --bind ${target} --port ${number}`);
          const result: Result = await vms.exec('a', ['iperf3', '--client', target, '--port', number, '--json', ...kind], 20_000);
          t.is(result.code, 0, `${target} ${kind.join(' ')}: ${result.stdout.slice(-400)}${result.stderr}`);
          const report = JSON.parse(result.stdout) as {
            end: { sum_received?: { bytes: number }; sum: { lost_percent?: number; bytes: number } };
          };
          const bytes = report.end.sum_received?.bytes ?? report.end.sum.bytes;
          t.log(`offloads ${offload}, a to ${to}, ${target} ${kind.join(' ')}: ${((bytes * 8) / 1e9).toFixed(2)} Gbit`);
          t.true(bytes > 1_000_000, `${target} ${kind.join(' ')}`);
        }
      }
    }
  }
});

test.serial('multicast stays in its network, and reaches all of it', async (t) => {
  const { vms } = t.context;
  for (const [group, number] of [
    ['239.1.2.3', 4_000],
    ['224.0.0.251', 5_353],
    ['ff02::fb', 5_353],
    ['ff05::1:3', 4_001],
  ] as const) {
    const listeners = ['b', 'x'].map((vm) => ({
      vm,
      program: vms.start(vm, ['python3', multicast, 'recv', group, String(number), 'eth0', '3']),
    }));
    await new Promise((resolve) => setTimeout(resolve, 700));
    await must(vms, 'a', `python3 ${multicast} send ${group} ${number} eth0 hello-${number}`);
    for (const { vm, program } of listeners) {
      const heard = await program.ended;
      if (vm === 'x') t.notRegex(heard, /hello/, `${group} in another tenant`);
      else t.regex(heard, /hello/, `${group} at ${vm}`);
    }
  }
});

test.serial('VLANs of a trunk are ports like others', async (t) => {
  const { vms } = t.context;
  const splitter = vms.start('trunk', [
    join(top, 'appliance/traffic/build/vlan'),
    'trunk0',
    ...trunkVlans.map((vlan) => `${vlan}:${vms.netns(`vlan${vlan}`)}:eth0:02:00:00:00:00:${vlan - 41}`),
  ]);
  try {
    for (const vlan of trunkVlans) {
      const up = await until(async () => (await vms.exec(`vlan${vlan}`, ['ip', 'link', 'show', 'dev', 'eth0'])).code === 0, 10_000);
      t.true(up);
      await configure(vms, { vm: `vlan${vlan}`, project: 'acme', network: 'red', subnet: 1, host: vlan });
      t.true(await settled(vms, `vlan${vlan}`));
    }
    for (const target of ['10.1.0.102', '2001:db8:1::102', v4(station('a')), v6(station('a')), v4(station('c')), v6(station('c'))])
      t.true(await reachable(vms, 'vlan101', target), target);
  } finally {
    await splitter.stop();
  }
});

test.serial('a forged source address goes nowhere, and the drop is named', async (t) => {
  const { appliance, vms } = t.context;
  await must(vms, 'a', 'ip address add 10.1.0.99/24 dev eth0; ip address add 2001:db8:1::99/64 dev eth0 nodad');
  for (const [source, target] of [
    ['10.1.0.99', v4(station('b'))],
    ['2001:db8:1::99', v6(station('b'))],
  ] as const)
    t.not((await vms.exec('a', ['ping', '-n', '-c', '2', '-i', '0.2', '-W', '1', '-I', source, target])).code, 0, source);
  await must(vms, 'a', 'ip address delete 10.1.0.99/24 dev eth0; ip address delete 2001:db8:1::99/64 dev eth0');
  t.true(((await drops(appliance, 'acme', 'a')).get('spoofed-address') ?? 0) > 0);
});

test.serial('an unserved port of the gateway refuses at once', async (t) => {
  const { vms } = t.context;
  for (const target of [gateway.v4, gateway.v6]) {
    const tcp = `import socket; s = socket.create_connection(("${target}", 9), 3)`;
    t.regex((await vms.exec('a', ['python3', '-c', tcp])).stderr, /ConnectionRefusedError/, `TCP ${target}`);
    const udp = `import socket; s = socket.socket(socket.getaddrinfo("${target}", 9)[0][0], socket.SOCK_DGRAM); s.settimeout(3); s.connect(("${target}", 9)); s.send(b"?"); s.recv(1)`;
    t.regex((await vms.exec('a', ['python3', '-c', udp])).stderr, /ConnectionRefusedError/, `UDP ${target}`);
  }
});

test.serial('every packet is accounted for', async (t) => {
  const { items } = await t.context.appliance.json<{ items: { port: string; balanced: boolean }[] }>(['ports', '-A']);
  t.true(items.length > stations.length);
  t.deepEqual(
    items.filter(({ balanced }) => !balanced),
    [],
  );
});
