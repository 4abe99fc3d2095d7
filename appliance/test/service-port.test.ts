/** Sockets of a plugin inside the networks, on a whole appliance: who asks is known, deaths are survived or told at once, nothing is left. */
import { chmodSync, cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { Appliance, run, top, until } from '../run/appliance.ts';
import { Vms } from '../run/vms.ts';

const test = anyTest as TestFn<{ appliance: Appliance; vms: Vms }>;
type Context = ExecutionContext<{ appliance: Appliance; vms: Vms }>;

/** The one shipped plugin that is needed. */
const shipped = mkdtempSync(join(tmpdir(), 'weft-plugins-'));
const folders = [shipped, join(top, 'appliance/test/plugins-service')];
const ipv4 = '169.254.169.254';
const ipv6 = 'fe80::a9fe:a9fe';
/** VM and project. a1 and b1 have one IPv4 address, c1 has IPv6 only. */
const machines = [
  ['a1', 'a'],
  ['b1', 'b'],
  ['c1', 'c'],
] as const;

interface Answer {
  readonly port: number;
  readonly generation: number;
  readonly address: string;
}

test.before(async (t) => {
  t.timeout(120_000);
  const appliance = new Appliance({ settings: JSON.stringify({ pluginDirs: folders }) });
  const vms = new Vms('sp');
  Object.assign(t.context, { appliance, vms });
  cpSync(join(top, 'plugins/network'), join(shipped, 'network'), { recursive: true });
  chmodSync(shipped, 0o755);
  await appliance.start();
  const cidrs = { a: '10.1.0.0/24', b: '10.1.0.0/24', c: '2001:db8:c::/64' };
  await appliance.apply(
    Object.entries(cidrs).flatMap(([project, cidr]) => [
      { kind: 'Project', metadata: { name: project } },
      { kind: 'VirtualNetwork', metadata: { name: 'net', project }, spec: { subnets: [{ cidr }] } },
    ]),
  );
  for (const project of ['a', 'b'])
    await vms.join(appliance, { vm: `${project}1`, project, network: 'net', address: '10.1.0.11' }, '10.1.0.1');
  const { netns } = await vms.add('c1');
  const binding = { type: 'netns', netns, interface: 'eth0' };
  await appliance.apply([{ kind: 'Port', metadata: { name: 'c1', project: 'c' }, spec: { network: 'net', binding } }]);
  await appliance.must(['--project', 'c', 'wait', 'Port', 'c1', '--for=ready', '--timeout=20s']);
});

test.after.always(async (t) => {
  await t.context.appliance.stop();
  await t.context.vms.remove();
  rmSync(shipped, { recursive: true });
});

/** Asks once; `how` it was refused in place of the answer. */
async function ask({ context: { vms } }: Context, vm: string, protocol: 'tcp' | 'udp', address: string): Promise<Answer | string> {
  const zone = address.startsWith('fe80') ? '%eth0' : '';
  const script = `import socket, sys
try:
    kind, l4 = (socket.SOCK_STREAM, 80) if '${protocol}' == 'tcp' else (socket.SOCK_DGRAM, 123)
    family, _, _, _, to = socket.getaddrinfo('${address}${zone}', l4, type=kind)[0]
    s = socket.socket(family, kind); s.settimeout(3); s.connect(to); s.send(b'who am I\\n')
    print(s.recv(1000).decode().strip())
except Exception as e: print(type(e).__name__)`;
  const { stdout, stderr } = await vms.exec(vm, ['python3', '-c', script]);
  return stdout.startsWith('{') ? (JSON.parse(stdout) as Answer) : stdout.trim() || stderr;
}

async function portId({ context: { appliance } }: Context, project: string, name: string): Promise<number> {
  return (await appliance.json<{ status: { id: number } }>(['--project', project, 'get', 'Port', name])).status.id;
}

/** What there is of service ports on this host, of this appliance and of all that run beside it. */
const namespaces = (): string[] => readdirSync('/run/netns').filter((name) => /^weft-\w+-whoami$/.test(name));
const serviceLinks = (): string[] => readdirSync('/sys/class/net').filter((name) => /^wf\w{3}p10485\d\d$/.test(name));

test.serial('each VM is told who it is, by both protocols and families', async (t) => {
  for (const [vm, project] of machines) {
    const port = await portId(t, project, vm);
    for (const address of vm === 'c1' ? [ipv6] : [ipv4, ipv6]) {
      for (const protocol of ['tcp', 'udp'] as const) {
        // A link-local address must be past duplicate address detection first.
        const answer = await until(async () => {
          const answered = await ask(t, vm, protocol, address);
          return typeof answered === 'object' && answered;
        }, 10_000);
        t.like(answer, { port, address }, `${vm} ${protocol} ${address}`);
      }
    }
  }
});

test.serial('the address is answered on the link, without any route', async (t) => {
  const { vms } = t.context;
  t.is((await vms.exec('a1', ['ip', 'route', 'add', ipv4, 'dev', 'eth0'])).code, 0);
  t.like(await ask(t, 'a1', 'tcp', ipv4), { address: ipv4 });
  t.is((await vms.exec('a1', ['ping', '-c', '1', '-W', '2', ipv4])).code, 0);
  t.regex((await vms.exec('a1', ['ip', 'neighbor', 'show', ipv4])).stdout, /00:00:5e:00:01:00/);
});

test.serial('weft trace says that a plugin serves it, and other views do not stumble over the service port', async (t) => {
  const { appliance } = t.context;
  const trace = await appliance.must(['--project', 'a', 'trace', '--from', 'a1', '--to', ipv4, '--proto', 'tcp', '--l4-port', '80']);
  t.regex(trace, /tcp port 80 of 169\.254\.169\.254 is served by sockets of a plugin/);
  t.regex(trace, /served by the plugin whoami, through its service port/);
  t.is((await appliance.weft(['status'])).code, 0);
  t.notRegex(await appliance.must(['ports', '-A']), /10485/);
  t.notRegex(await appliance.must(['drops', '-A']), /no object/);
  const stranger = await ask(t, 'a1', 'udp', '169.254.169.253');
  t.not(typeof stranger, 'object');
});

test.serial("a connection outlives the forwarder's kill -9", async (t) => {
  const { appliance, vms } = t.context;
  const script = `import socket, sys, time
s = socket.create_connection(('${ipv4}', 80), 3); s.settimeout(10)
for i in range(30):
    s.send(b'again\\n'); got = s.recv(1000)
    if not got: sys.exit('closed')
    if i == 0: print('asked', flush=True)
    time.sleep(0.1)
print('done', flush=True)`;
  const client = vms.start('a1', ['python3', '-c', script]);
  await new Promise((resolve) => setTimeout(resolve, 700));
  process.kill(await appliance.pid('forwarder'), 'SIGKILL');
  t.is(await client.ended, 'asked\ndone\n');
  t.like(await ask(t, 'a1', 'tcp', ipv4), { address: ipv4 });
  t.like(await ask(t, 'b1', 'udp', ipv4), { address: ipv4 });
});

test.serial('a plugin that dies: refused at once, served again within two seconds', async (t) => {
  const { appliance } = t.context;
  process.kill(await appliance.pid('whoami'), 'SIGSTOP');
  process.kill(await appliance.pid('whoami'), 'SIGKILL');
  const died = performance.now();
  const first = await ask(t, 'a1', 'tcp', ipv4);
  t.true(typeof first === 'object' || first.startsWith('Connection'), `refused or served: ${JSON.stringify(first)}`);
  const served = await until(async () => typeof (await ask(t, 'a1', 'tcp', ipv4)) === 'object', 10_000, 20);
  t.true(served);
  t.log(`served again after ${Math.round(performance.now() - died)} ms; in between: ${JSON.stringify(first)}`);
  t.like(await ask(t, 'b1', 'udp', ipv6), { address: ipv6 });
});

test.serial('disabled, nothing of the service port stays; enabled, it is served again', async (t) => {
  const { appliance } = t.context;
  const [before] = namespaces();
  t.truthy(before);
  await appliance.must(['plugin', 'disable', 'whoami']);
  t.true(await until(async () => !namespaces().includes(before ?? ''), 5_000));
  t.not(typeof (await ask(t, 'a1', 'tcp', ipv4)), 'object');
  await appliance.must(['plugin', 'enable', 'whoami']);
  t.true(await until(async () => typeof (await ask(t, 'a1', 'tcp', ipv4)) === 'object', 10_000));
});

test.serial('a namespace that was deleted by hand is made anew with the next forwarder, and its sockets with it', async (t) => {
  const { appliance } = t.context;
  const [name = ''] = namespaces();
  t.is((await run('ip', ['netns', 'delete', name])).code, 0);
  t.like(await ask(t, 'a1', 'tcp', ipv4), { address: ipv4 }, 'the sockets in it do not need the name');
  process.kill(await appliance.pid('forwarder'), 'SIGKILL');
  t.true(await until(async () => namespaces().includes(name), 10_000));
  t.true(await until(async () => typeof (await ask(t, 'a1', 'tcp', ipv4)) === 'object', 10_000));
  t.true(await until(async () => typeof (await ask(t, 'c1', 'udp', ipv6)) === 'object', 10_000));
});

test.serial('nothing is left after an orderly end', async (t) => {
  const { appliance } = t.context;
  const mine = namespaces();
  const links = serviceLinks();
  t.true(mine.length > 0 && links.length > 0);
  await appliance.stop(false);
  t.deepEqual(
    namespaces().filter((name) => mine.includes(name) && name === mine[0]),
    [],
  );
  await appliance.stop();
});
