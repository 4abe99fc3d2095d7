/** LinkLocalServices on a whole appliance: tenants with the same addresses, both families and protocols, a network that only bridges, deaths. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import anyTest, { type TestFn } from 'ava';
import { Appliance, until } from '../run/appliance.ts';
import { Vms } from '../run/vms.ts';

const test = anyTest as TestFn<{ appliance: Appliance; vms: Vms; servers: Record<'a' | 'b', Server> }>;

const ipv4 = '169.254.169.123';
const ipv6 = 'fe80::a9fe:a97b';
const gateway = '10.1.0.1';

/** Says its name to whoever asks. */
async function httpServer(name: string): Promise<Server> {
  const server = createServer((_request, response) => response.end(name)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function udpServer(): Promise<number> {
  const socket = createSocket('udp4');
  socket.on('message', (data, from) => socket.send(`time: ${data}`, from.port, from.address));
  socket.bind(0, '127.0.0.1');
  socket.unref();
  await once(socket, 'listening');
  return socket.address().port;
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

function service(project: string, name: string, spec: object): object {
  return { kind: 'LinkLocalService', metadata: { name, project }, spec: { port: 80, ...spec } };
}

test.before(async (t) => {
  t.timeout(120_000);
  // The servers of this test are on this host.
  const appliance = new Appliance({ settings: 'plugins:\n  link-local:\n    deniedUpstreams: []\n' });
  const vms = new Vms('lls');
  const servers = { a: await httpServer('a'), b: await httpServer('b') };
  Object.assign(t.context, { appliance, vms, servers });
  await appliance.start();
  const network = { kind: 'VirtualNetwork', metadata: { name: 'red' }, spec: { subnets: [{ cidr: '10.1.0.0/24' }] } };
  const bridged = { kind: 'VirtualNetwork', metadata: { name: 'flat', project: 'a' }, spec: { forwarding: 'l2' } };
  await appliance.apply([
    ...['a', 'b'].map((name) => ({ kind: 'Project', metadata: { name } })),
    ...['a', 'b'].map((project) => ({ ...network, metadata: { name: 'red', project } })),
    bridged,
  ]);
  const time = await udpServer();
  const both = (['a', 'b'] as const).flatMap((project) => {
    const upstreams = [{ address: '127.0.0.1', port: portOf(servers[project]) }];
    return [service(project, 'web', { address: ipv4, upstreams }), service(project, 'web6', { address: ipv6, upstreams })];
  });
  const clock = { address: ipv4, port: 123, protocol: 'udp', upstreams: [{ address: '127.0.0.1', port: time }] };
  await appliance.apply([...both, service('a', 'clock', clock)]);
  for (const project of ['a', 'b'])
    await vms.join(appliance, { vm: `${project}1`, project, network: 'red', address: '10.1.0.11' }, gateway);
  const flat = await vms.add('a2');
  const binding = { type: 'netns', netns: flat.netns, interface: 'eth0' };
  await appliance.apply([{ kind: 'Port', metadata: { name: 'a2', project: 'a' }, spec: { network: 'flat', binding } }]);
  await appliance.must(['--project', 'a', 'wait', 'Port', 'a2', '--for=ready', '--timeout=20s']);
});

test.after.always(async (t) => {
  await t.context.appliance.stop();
  await t.context.vms.remove();
  for (const server of Object.values(t.context.servers)) server.close();
});

async function curl(vms: Vms, vm: string, url: string): Promise<string> {
  const { code, stdout } = await vms.exec(vm, ['curl', '-s', '--globoff', '--max-time', '5', '--interface', 'eth0', url]);
  return code === 0 ? stdout : `curl: ${code}`;
}

test.serial('two tenants with one address reach their own servers, over both families', async (t) => {
  const { vms } = t.context;
  for (const tenant of ['a', 'b']) {
    t.is(await curl(vms, `${tenant}1`, `http://${ipv4}/`), tenant);
    // The VM's own link-local address must be past duplicate address detection.
    t.is(await until(async () => (await curl(vms, `${tenant}1`, `http://[${ipv6}%25eth0]/`)) === tenant && tenant, 5_000), tenant);
  }
});

test.serial('a network without any subnet is served, too: the address is answered on the link', async (t) => {
  const { vms } = t.context;
  t.is(await until(async () => (await curl(vms, 'a2', `http://[${ipv6}%25eth0]/`)) === 'a' && 'a', 5_000), 'a');
});

test.serial('datagrams are answered from the address that was asked, to who has the service', async (t) => {
  const { vms } = t.context;
  const script = `import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(2); s.connect(('${ipv4}', 123))
s.send(b'now'); print(s.recv(100).decode())`;
  const asked = await vms.exec('a1', ['python3', '-c', script]);
  t.is(asked.stdout.trim(), 'time: now', asked.stderr);
  t.not((await vms.exec('b1', ['python3', '-c', script])).code, 0);
});

test.serial('ports that no service has are refused at once', async (t) => {
  const { vms } = t.context;
  const { code } = await vms.exec('a1', ['curl', '-s', '--max-time', '5', `http://${ipv4}:81/`]);
  t.is(code, 7, 'could not connect, before the time was over');
});

test.serial('without its server the status says why, and the VM is cut off at once', async (t) => {
  const { appliance, vms, servers } = t.context;
  const port = portOf(servers.b);
  servers.b.close();
  servers.b.closeAllConnections();
  t.not(await curl(vms, 'b1', `http://${ipv4}/`), 'b');
  const read = () => appliance.json<{ status: { phase: string } }>(['--project', 'b', 'get', 'LinkLocalService', 'web']);
  t.is(await until(async () => (await read()).status.phase === 'Down', 5_000), true);
  const { items } = await appliance.json<{ items: { service: string; state: string; error: string }[] }>(['--project', 'b', 'link-local']);
  t.regex(items.find(({ service }) => service === 'web')?.error ?? '', /ECONNREFUSED/);
  servers.b.listen(port, '127.0.0.1');
  await once(servers.b, 'listening');
  t.is(await until(async () => (await curl(vms, 'b1', `http://${ipv4}/`)) === 'b' && 'b', 5_000), 'b');
});

test.serial('the plugin dies: refused at once, and served again within seconds', async (t) => {
  const { appliance, vms } = t.context;
  process.kill(await appliance.pid('link-local'), 'SIGKILL');
  const died = performance.now();
  t.is(await until(async () => (await curl(vms, 'a1', `http://${ipv4}/`)) === 'a' && 'a', 10_000, 20), 'a');
  t.log(`served again after ${((performance.now() - died) / 1000).toFixed(2)} s`);
});

test.serial('a deleted service is gone for its VMs, and for nobody else', async (t) => {
  const { appliance, vms } = t.context;
  await appliance.must(['--project', 'a', 'delete', 'LinkLocalService', 'web']);
  t.is(await until(async () => (await curl(vms, 'a1', `http://${ipv4}/`)) !== 'a', 5_000), true);
  t.is(await curl(vms, 'b1', `http://${ipv4}/`), 'b');
});
