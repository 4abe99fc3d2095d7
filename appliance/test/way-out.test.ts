/**
 * The way out as VMs and the world meet it: an address that is shared and one of one's own, networks routed natively, two upstream routers of
 * which one dies, an interface that the host goes on using, and who has which outside ports.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { Appliance, type Result, run, top, until } from '../run/appliance.ts';
import { Outside } from '../run/outside.ts';
import { reachable, Vms } from '../run/vms.ts';

interface Context {
  appliance: Appliance;
  vms: Vms;
  server: Server;
}
type T = ExecutionContext<Context>;

const test = anyTest as TestFn<Context>;
const responder = join(top, 'appliance/traffic/responder.py');
const families = ['v4', 'v6'] as const;
type Family = (typeof families)[number];

const internet = { v4: '198.51.100.10', v6: '2001:db8:51::10' };
const shared = { v4: '192.0.2.100', v6: '2001:db8:ffff::100' };
const floating = { v4: '203.0.113.20', v6: '2001:db8:f::20' };
/** Stands for the host's network card; its other end is in a namespace. */
const card = `wt${process.pid}nic`;
const hosted = { host: '198.19.77.1', peer: '198.19.77.254' };

/** Two upstream routers on the uplink's link, both with a way to the internet. */
const upstream = (name: string, host: number, transit: number) => ({
  name,
  role: 'router',
  interfaces: [
    { cable: name, interface: 'lan', addresses: [`192.0.2.${host}/24`, `2001:db8:ffff::${host}/64`] },
    { cable: `${name}-internet`, interface: 'wan', addresses: [`198.51.10${transit}.1/24`, `2001:db8:51${transit}::1/64`] },
  ],
  routes: [
    ...['203.0.113.0/24', '100.64.5.0/24'].map((prefix) => `${prefix} via 192.0.2.1`),
    ...['2001:db8:f::/64', '2001:db8:64::/64'].map((prefix) => `${prefix} via 2001:db8:ffff::1`),
    `${internet.v4}/32 via 198.51.10${transit}.2`,
    `${internet.v6}/128 via 2001:db8:51${transit}::2`,
  ],
});
const outside = [
  {
    name: 'lan',
    role: 'switch',
    interfaces: [
      { uplink: 'world', interface: 'weft' },
      { cable: 'up1', interface: 'up1' },
      { cable: 'up2', interface: 'up2' },
    ],
  },
  upstream('up1', 253, 1),
  upstream('up2', 254, 2),
  {
    name: 'internet',
    interfaces: [1, 2].map((transit) => ({
      cable: `up${transit}-internet`,
      interface: `wan${transit}`,
      addresses: [`198.51.10${transit}.2/24`, `2001:db8:51${transit}::2/64`],
    })),
  },
];

const network = (name: string, v4: string, v6: string, spec: object = {}): object => ({
  kind: 'VirtualNetwork',
  metadata: { name },
  spec: { subnets: [{ cidr: `${v4}.0/24` }, { cidr: `${v6}::/64` }], ...spec },
});
const router = (of: string, snatPool: string): object => ({
  kind: 'LogicalRouter',
  metadata: { name: `${of}-out` },
  spec: { networks: [of], external: { snatPool } },
});
const pool = (name: string, spec: object): object => ({ kind: 'SnatPool', metadata: { name }, spec });

interface Station {
  readonly vm: string;
  readonly network: string;
  readonly v4: string;
  readonly v6: string;
  readonly groups?: readonly string[];
}
const stations: readonly Station[] = [
  { vm: 'web', network: 'red', v4: '10.1.0.11', v6: '2001:db8:1::11', groups: ['default', 'open'] },
  { vm: 'plain', network: 'red', v4: '10.1.0.12', v6: '2001:db8:1::12' },
  { vm: 'native', network: 'native', v4: '100.64.5.11', v6: '2001:db8:64::11', groups: ['open'] },
  { vm: 'tight', network: 'tight', v4: '10.1.0.11', v6: '2001:db8:1::11' },
  { vm: 'mate', network: 'tight', v4: '10.1.0.12', v6: '2001:db8:1::12' },
  { vm: 'hosted', network: 'hosted', v4: '10.1.0.11', v6: '2001:db8:1::11' },
];

function objects(lan: Outside, netns: (vm: string) => string): object[] {
  const gateways = [253, 254].flatMap((host) => [`192.0.2.${host}`, `2001:db8:ffff::${host}`]);
  return [
    {
      kind: 'Uplink',
      metadata: { name: 'world' },
      spec: { binding: lan.binding('world'), addresses: ['192.0.2.1/24', '2001:db8:ffff::1/64'], gateways },
    },
    {
      kind: 'Uplink',
      metadata: { name: 'card' },
      spec: { binding: { type: 'interface', interface: card }, addresses: [`${hosted.host}/24`], gateways: [hosted.peer] },
    },
    {
      kind: 'SecurityGroup',
      metadata: { name: 'open' },
      spec: { rules: ['ingress', 'egress'].map((direction) => ({ direction, protocol: 'any' })) },
    },
    pool('public', { addresses: [shared.v4, shared.v6] }),
    pool('tiny', { addresses: ['192.0.2.101', '2001:db8:ffff::101'], ports: '2048-2175', blockSize: 64, maxBlocksPerPort: 1 }),
    pool('host', { addresses: ['host'], uplink: 'card' }),
    network('red', '10.1.0', '2001:db8:1'),
    network('tight', '10.1.0', '2001:db8:1'),
    network('hosted', '10.1.0', '2001:db8:1'),
    network('native', '100.64.5', '2001:db8:64', { underlay: 'world' }),
    router('red', 'public'),
    router('tight', 'tiny'),
    router('hosted', 'host'),
    ...stations.map(({ vm, network: of, v4, v6, groups }) => ({
      kind: 'Port',
      metadata: { name: vm },
      spec: {
        network: of,
        hostname: vm,
        addresses: [v4, v6],
        binding: { type: 'netns', netns: netns(vm), interface: 'eth0' },
        ...(groups && { securityGroups: groups }),
      },
    })),
    ...families.map((family) => ({
      kind: 'FloatingIp',
      metadata: { name: `web-${family}` },
      spec: { address: floating[family], target: { port: 'web', address: stations[0]?.[family] }, uplink: 'world' },
    })),
  ];
}

async function must(vms: Vms, vm: string, command: string): Promise<string> {
  const result = await vms.exec(vm, ['sh', '-ec', command]);
  if (result.code !== 0) throw new Error(`${vm}: ${command}: exit ${result.code}\n${result.stdout}${result.stderr}`);
  return result.stdout;
}

/** The internet answers from one address of each family, whichever way. */
async function addressInternet(vms: Vms): Promise<void> {
  await must(vms, 'internet', `ip address add ${internet.v4}/32 dev lo; ip address add ${internet.v6}/128 dev lo nodad`);
  for (const transit of [1, 2]) await routeInternet(vms, 'add', transit);
}

/** The way by which the internet answers: of those there are, the one with the smaller metric. */
async function routeInternet(vms: Vms, action: 'add' | 'delete', transit: number): Promise<void> {
  await must(vms, 'internet', `ip route ${action} default via 198.51.10${transit}.1 src ${internet.v4} metric ${transit}`);
  await must(vms, 'internet', `ip -6 route ${action} default via 2001:db8:51${transit}::1 src ${internet.v6} metric ${transit}`);
}

/** What stands for the host's network card, in the host's own namespace, and whoever is at its other end. */
async function addCard(vms: Vms): Promise<void> {
  const { netns } = await vms.add('street');
  for (const args of [
    ['link', 'add', card, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', netns],
    ['address', 'add', `${hosted.host}/24`, 'dev', card],
    ['link', 'set', card, 'up'],
    ['-n', netns, 'address', 'add', `${hosted.peer}/24`, 'dev', 'eth0'],
    ['-n', netns, 'link', 'set', 'eth0', 'up'],
  ]) {
    const { code, stderr } = await run('ip', args);
    if (code !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`);
  }
}

/** A web server of the host: tells who asks. */
async function serveAtHost(): Promise<Server> {
  const server = createServer((request, response) => response.end(request.socket.remoteAddress));
  await new Promise<void>((resolve) => server.listen(8_080, hosted.host, resolve));
  return server;
}

async function serve(vms: Vms, vm: string): Promise<void> {
  vms.start(vm, ['python3', responder, 'serve', '80', '7']);
  const up = await until(async () => (await vms.exec(vm, ['ss', '-Hlntu'])).stdout.includes(':80 '), 20_000);
  if (up !== true) throw new Error(`${vm} does not serve`);
}

test.before(async (t) => {
  t.timeout(180_000);
  const appliance = new Appliance();
  const vms = new Vms('out');
  const lan = new Outside(vms, outside);
  Object.assign(t.context, { appliance, vms });
  await lan.add();
  await addCard(vms);
  for (const { vm } of stations) await vms.add(vm);
  await appliance.start();
  await appliance.apply(objects(lan, (vm) => vms.netns(vm)));
  await lan.setUp();
  await addressInternet(vms);
  await Promise.all(['internet', 'street', 'web', 'native'].map((vm) => serve(vms, vm)));
  for (const { vm, v4, v6 } of stations) {
    await appliance.must(['wait', 'Port', vm, '--for=ready', '--timeout=20s']);
    await vms.configure(vm, v4, v4.replace(/\d+$/, '1'));
    await must(vms, vm, `ip address replace ${v6}/64 dev eth0 nodad; ip -6 route replace default via ${v6.replace(/\d+$/, '1')}`);
  }
  Object.assign(t.context, { server: await serveAtHost() });
  for (const uplink of ['world', 'card']) await appliance.must(['wait', 'Uplink', uplink, '--for=ready', '--timeout=20s']);
});

test.after.always(async (t) => {
  const { appliance, vms, server } = t.context;
  server?.close();
  await appliance.stop();
  await vms.remove();
  await run('ip', ['link', 'delete', card]);
});

const host = (address: string): string => (address.includes(':') ? `[${address}]` : address);

function curl(vms: Vms, vm: string, address: string, port = 80): Promise<Result> {
  return vms.exec(vm, ['curl', '--silent', '--globoff', '--noproxy', '*', '--max-time', '2', `http://${host(address)}:${port}/`]);
}

/** Whether TCP, UDP and ping get there. */
async function talks({ context: { vms } }: T, from: string, to: string, what: string): Promise<string[]> {
  const udp = `exec 3<>/dev/udp/${to}/7; echo hello >&3; timeout 3 head -n 1 <&3`;
  const results = {
    tcp: (await curl(vms, from, to)).stdout === 'served',
    udp: (await vms.exec(from, ['bash', '-c', udp])).stdout === 'hello\n',
    icmp: await reachable(vms, from, to, 5_000),
  };
  return Object.entries(results).flatMap(([protocol, fine]) => (fine ? [] : [`${from} to ${what}, ${to}: no ${protocol}`]));
}

/** Source addresses of what arrives at a machine while `work` runs. */
async function sourcesAt({ appliance, vms }: Context, vm: string, filter: string, work: () => Promise<unknown>): Promise<Set<string>> {
  const file = join(appliance.stateDir, 'sources');
  writeFileSync(file, '');
  const capture = `exec tshark -l -n -i any -f 'inbound and (${filter})' -T fields -e ip.src -e ipv6.src >${file} 2>/dev/null`;
  const listener = vms.start(vm, ['sh', '-c', capture]);
  try {
    const listens = await until(async () => (await vms.exec(vm, ['ss', '-H', '-0'])).stdout !== '', 20_000);
    if (listens !== true) throw new Error(`${vm}: tshark does not listen`);
    await work();
    // tshark reads what was captured when it gets to it.
    await until(async () => readFileSync(file, 'utf8') !== '', 10_000);
    await new Promise((resolve) => setTimeout(resolve, 500));
  } finally {
    await listener.stop();
  }
  return new Set(
    readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.trim())
      .filter(Boolean),
  );
}

test.serial('VMs reach the internet by an address that they share, and only it is seen there', async (t) => {
  for (const family of families) {
    const seen = await sourcesAt(t.context, 'internet', `host ${internet[family]}`, async () => {
      t.deepEqual(await talks(t, 'plain', internet[family], 'the internet'), []);
    });
    t.deepEqual([...seen], [shared[family]]);
  }
});

test.serial('a floating address stands for its VM, both ways, under the rules of its groups', async (t) => {
  const { vms, appliance } = t.context;
  for (const family of families) {
    const seen = await sourcesAt(t.context, 'internet', `host ${internet[family]}`, async () => {
      t.deepEqual(await talks(t, 'web', internet[family], 'the internet'), []);
    });
    t.deepEqual([...seen], [floating[family]]);
    t.deepEqual(await talks(t, 'internet', floating[family], 'the floating address'), []);
    t.deepEqual(await talks(t, 'web', floating[family], 'its own floating address'), []);
    t.deepEqual(await talks(t, 'plain', floating[family], 'the floating address of a neighbour'), []);
  }
  const spec = (await appliance.json<{ spec: object }>(['get', 'port', 'web'])).spec;
  const inGroups = (securityGroups: readonly string[]) =>
    appliance.apply([{ kind: 'Port', metadata: { name: 'web' }, spec: { ...spec, securityGroups } }]);
  await inGroups(['default']);
  const closed = await until(async () => (await curl(vms, 'internet', floating.v4)).code !== 0, 5_000);
  t.true(closed);
  await inGroups(['default', 'open']);
});

test.serial('nobody comes in by a shared address', async (t) => {
  for (const family of families) t.not((await curl(t.context.vms, 'internet', shared[family])).code, 0);
});

test.serial('a network of the underlay keeps its addresses, both ways', async (t) => {
  for (const family of families) {
    const seen = await sourcesAt(t.context, 'internet', `host ${internet[family]}`, async () => {
      t.deepEqual(await talks(t, 'native', internet[family], 'the internet'), []);
    });
    const native = stations.find(({ vm }) => vm === 'native')?.[family] ?? '';
    t.deepEqual([...seen], [native]);
    t.deepEqual(await talks(t, 'internet', native, 'the network of the underlay'), []);
    t.deepEqual(await talks(t, 'plain', native, 'the network of the underlay'), []);
  }
});

interface Traced {
  readonly end: string;
  readonly items: readonly { readonly text: string }[];
}

test.serial('traces, flows and routes tell of the way out', async (t) => {
  const { appliance, vms } = t.context;
  const told = async (from: string): Promise<string> => {
    const { end, items } = await appliance.json<Traced>(['trace', '--from', from, '--to', internet.v4, '--proto', 'udp', '--l4-port', '7']);
    t.is(end, 'delivered', JSON.stringify(items));
    return items.map(({ text }) => text).join('\n');
  };
  t.regex(await told('web'), new RegExp(floating.v4));
  t.regex(await told('plain'), new RegExp(shared.v4));
  t.is((await curl(vms, 'plain', internet.v4)).stdout, 'served');
  const { items } = await appliance.json<{ items: { nat?: { src: string } }[] }>(['flows', '--port', 'plain', '--address', internet.v4]);
  t.true(
    items.some(({ nat }) => nat?.src === shared.v4),
    JSON.stringify(items),
  );
});

async function received({ vms }: Context, vm: string): Promise<number> {
  return Number(await must(vms, vm, 'cat /sys/class/net/lan/statistics/rx_packets'));
}

/** Pings from many places at once: flows that take all the ways there are. */
function many({ vms }: Context, family: Family): Promise<Result[]> {
  const source =
    'import socket,sys\nfamily=socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET\nall=[socket.socket(family,socket.SOCK_DGRAM) for _ in range(64)]\nfor s in all: s.settimeout(3); s.connect((sys.argv[1],7)); s.send(b"?")\nprint(sum(s.recv(9)==b"?" for s in all))';
  return Promise.all(['plain', 'web'].map((vm) => vms.exec(vm, ['python3', '-c', source, internet[family]])));
}

interface UplinkStatus {
  readonly status: { readonly gateways: readonly { readonly address: string; readonly reachable: boolean }[] };
}

async function reachableGateways({ appliance }: Context): Promise<string> {
  const { status } = await appliance.json<UplinkStatus>(['get', 'uplink', 'world']);
  return status.gateways
    .filter((gateway) => gateway.reachable)
    .map(({ address }) => address)
    .toSorted()
    .join(' ');
}

test.serial('two upstream routers share the flows, and one carries all when the other dies', async (t) => {
  t.timeout(120_000);
  const { vms } = t.context;
  const both = '192.0.2.253 192.0.2.254 2001:db8:ffff::253 2001:db8:ffff::254';
  t.true(await until(async () => (await reachableGateways(t.context)) === both, 15_000), await reachableGateways(t.context));
  for (const family of families) {
    const before = [await received(t.context, 'up1'), await received(t.context, 'up2')];
    for (const { stdout } of await many(t.context, family)) t.is(stdout, '64\n');
    const carried = [await received(t.context, 'up1'), await received(t.context, 'up2')].map((now, at) => now - (before[at] ?? 0));
    t.true(
      carried.every((packets) => packets > 16),
      `${family}: ${carried}`,
    );
  }
  // A router whose cable is pulled, at the switch (it keeps its addresses and routes); the internet's own routing follows.
  await must(vms, 'lan', 'ip link set up1 down');
  await routeInternet(vms, 'delete', 1);
  const alone = '192.0.2.254 2001:db8:ffff::254';
  t.true(await until(async () => (await reachableGateways(t.context)) === alone, 20_000), await reachableGateways(t.context));
  for (const family of families) for (const { stdout } of await many(t.context, family)) t.is(stdout, '64\n');
  await must(vms, 'lan', 'ip link set up1 up');
  await routeInternet(vms, 'add', 1);
  t.true(await until(async () => (await reachableGateways(t.context)) === both, 20_000), await reachableGateways(t.context));
  for (const family of families) for (const { stdout } of await many(t.context, family)) t.is(stdout, '64\n');
});

interface NatBlock {
  readonly port: string;
  readonly address: string;
}

test.serial('who has which outside ports', async (t) => {
  const { appliance, vms } = t.context;
  t.is((await curl(vms, 'plain', internet.v4)).stdout, 'served');
  const { items } = await appliance.json<{ items: NatBlock[] }>(['nat', '--port', 'plain']);
  t.true(
    items.some(({ port, address }) => port === 'plain' && address === shared.v4),
    JSON.stringify(items),
  );
});

interface LoggedBlock extends NatBlock {
  readonly event: string;
  readonly first: number;
  readonly last: number;
}

test.serial('the block log tells who had an outside port', async (t) => {
  const { appliance } = t.context;
  const asked = (...args: string[]) => appliance.json<{ items: LoggedBlock[] }>(['nat-log', ...args]);
  const assigned = await until(async () => {
    const { items } = await asked('--port', 'plain', '--address', shared.v4);
    return items.findLast(({ event }) => event === 'assigned');
  }, 10_000);
  if (!assigned) return t.fail('no block of plain in the log');
  const { port, address, first, last } = assigned;
  t.like(assigned, { port: 'plain', address: shared.v4, last: first + 511 });
  const holder = async (l4Port: number): Promise<string[]> => {
    const { items } = await asked('--address', address, '--l4-port', `${l4Port}`, '--at', new Date().toISOString());
    return items.filter(({ event }) => event === 'held').map((held) => `${held.port} ${held.first}-${held.last}`);
  };
  for (const outsidePort of [first, last]) t.deepEqual(await holder(outsidePort), [`${port} ${first}-${last}`]);
  t.deepEqual(await holder(first - 1), []);
});

test.serial('who uses up its outside ports harms nobody else, and an alarm tells of it', async (t) => {
  const { appliance, vms } = t.context;
  const source = `import socket,time\nfor n in range(200):\n s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind(("",20000+n)); s.sendto(b"?",("${internet.v4}",7))\n time.sleep(0.002)`;
  t.is((await vms.exec('tight', ['python3', '-c', source])).code, 0);
  const { items } = await appliance.json<{ items: { reason: string; packets: number }[] }>(['drops', '--port', 'tight']);
  t.is(items.find(({ reason }) => reason === 'nat-exhausted')?.packets, 200 - 64);
  t.is((await curl(vms, 'mate', internet.v4)).stdout, 'served');
  const alarm = await until(async () => {
    const alarms = await appliance.json<{ items: { status: { subject: string; text: string } }[] }>(['get', 'alarm']);
    return alarms.items.find(({ status }) => /tight/.test(`${status.subject} ${status.text}`));
  }, 20_000);
  t.truthy(alarm);
});

test.serial('the host goes on using its interface, and VMs leave by its address', async (t) => {
  const { appliance, vms } = t.context;
  const works = async (when: string): Promise<void> => {
    t.true(await reachable(vms, 'street', hosted.host, 3_000), `ping of the host, ${when}`);
    t.is((await curl(vms, 'street', hosted.host, 8_080)).stdout, hosted.peer, when);
    const asked = await run('curl', ['--silent', '--noproxy', '*', '--max-time', '5', `http://${hosted.peer}/`]);
    t.is(asked.stdout, 'served', `the host asks, ${when}`);
  };
  await works('while Weft runs');
  const seen = await sourcesAt(t.context, 'street', `host ${hosted.peer}`, async () => {
    t.deepEqual(await talks(t, 'hosted', hosted.peer, 'the street'), []);
  });
  t.deepEqual([...seen], [hosted.host]);
  await works('after VMs used it');
  process.kill(await appliance.pid('forwarder'), 'SIGKILL');
  await works('without a forwarder');
  t.true(await until(async () => (await appliance.weft(['ports'])).code === 0, 30_000));
  t.deepEqual(await talks(t, 'hosted', hosted.peer, 'the street'), []);
});

test.serial('every packet is accounted for', async (t) => {
  const { items } = await t.context.appliance.json<{ items: { port: string; balanced: boolean }[] }>(['ports', '-A']);
  t.deepEqual(
    items.filter(({ balanced }) => !balanced),
    [],
  );
});
