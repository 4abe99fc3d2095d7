/**
 * Metadata on a whole appliance, asked by curl in VMs: tenants with the same addresses, IPv6 only, no address at all, a network that only bridges; refused,
 * with tokens, through Nova; and while the plugin dies.
 */
import anyTest, { type TestFn } from 'ava';
import { Appliance, until } from '../run/appliance.ts';
import { Vms } from '../run/vms.ts';
import { Nova } from './long/nova.ts';

const test = anyTest as TestFn<{ appliance: Appliance; vms: Vms; nova: Nova }>;

const ipv4 = 'http://169.254.169.254';
const linkLocal = 'http://[fe80::a9fe:a9fe%25eth0]';
const unique = 'http://[fd00:ec2::254]';
const gateway = 'fe80::200:5eff:fe00:100';
const idPath = '/latest/meta-data/instance-id';
const secret = 'hunter2';

interface Station {
  readonly vm: string;
  readonly project: string;
  readonly network: string;
  /** What the port has; the VM sets them by hand. */
  readonly addresses: readonly string[];
  readonly id: string;
}

const id = (digit: number) => `${`${digit}`.repeat(8)}-2222-4333-8444-555555555555`;
const stations: readonly Station[] = [
  { vm: 'a1', project: 'a', network: 'red', addresses: ['10.1.0.11', '2001:db8:1::11'], id: id(1) },
  { vm: 'b1', project: 'b', network: 'red', addresses: ['10.1.0.11', '2001:db8:1::11'], id: id(2) },
  { vm: 'six', project: 'a', network: 'six', addresses: ['2001:db8:6::11'], id: id(3) },
  { vm: 'new', project: 'a', network: 'red', addresses: [], id: id(4) },
  { vm: 'flat', project: 'a', network: 'flat', addresses: ['10.3.0.11'], id: id(5) },
  { vm: 'deaf', project: 'a', network: 'deaf', addresses: ['10.4.0.11'], id: id(6) },
  { vm: 'os', project: 'a', network: 'cloud', addresses: ['10.5.0.11'], id: id(7) },
];

const network = (project: string, name: string, cidrs: readonly string[], spec: object = {}) => ({
  kind: 'VirtualNetwork',
  metadata: { name, project },
  spec: { subnets: cidrs.map((cidr) => ({ cidr })), ...spec },
});

function port(vms: Vms, { vm, project, network: of, addresses, id: instanceId }: Station): object {
  const binding = { type: 'netns', netns: vms.netns(vm), interface: 'eth0' };
  return { kind: 'Port', metadata: { name: vm, project }, spec: { network: of, hostname: vm, instanceId, addresses, binding } };
}

/** What an operator types in a VM: addresses, and a way to everything by the gateway, or on the link where there is none. */
async function configure(vms: Vms, { vm, network: of, addresses }: Station): Promise<void> {
  const four = addresses.filter((address) => !address.includes(':')).map((address) => `ip address replace ${address}/24 dev eth0`);
  const six = addresses.filter((address) => address.includes(':')).map((address) => `ip address replace ${address}/64 dev eth0 nodad`);
  const way =
    of === 'flat' ? 'ip route replace 169.254.169.254 dev eth0' : `ip route replace default via ${addresses[0]?.replace(/\d+$/, '1')}`;
  const routes = [...(four.length > 0 ? [way] : []), ...(six.length > 0 ? [`ip -6 route replace default via ${gateway} dev eth0`] : [])];
  const { code, stderr } = await vms.exec(vm, ['sh', '-ec', [...four, ...six, ...routes, 'true'].join('\n')]);
  if (code !== 0) throw new Error(`${vm}: ${stderr}`);
}

test.before(async (t) => {
  t.timeout(120_000);
  const appliance = new Appliance({ settings: 'plugins: { metadata: { deniedUpstreams: [] } }\n' });
  const vms = new Vms('meta');
  let tenant = '';
  const nova = new Nova(secret, () => [{ id: id(7), tenant, documents: { 'meta_data.json': '{"uuid": "of Nova"}' } }]);
  Object.assign(t.context, { appliance, vms, nova });
  const url = await nova.start();
  await appliance.start();
  for (const { vm } of stations) await vms.add(vm);
  await appliance.apply([
    ...['a', 'b'].map((name) => ({ kind: 'Project', metadata: { name } })),
    ...['a', 'b'].map((project) => network(project, 'red', ['10.1.0.0/24', '2001:db8:1::/64'])),
    network('a', 'six', ['2001:db8:6::/64']),
    network('a', 'flat', ['10.3.0.0/24'], { forwarding: 'l2' }),
    network('a', 'deaf', ['10.4.0.0/24']),
    network('a', 'cloud', ['10.5.0.0/24']),
    ...stations.map((each) => port(vms, each)),
    { kind: 'InstanceData', metadata: { name: 'a1', project: 'a' }, spec: { port: 'a1', userData: '#cloud-config\n' } },
    { kind: 'Metadata', metadata: { name: 'deaf', project: 'a' }, spec: { scope: { network: 'deaf' }, mode: 'none' } },
    { kind: 'Secret', metadata: { name: 'nova', project: 'a' }, spec: { data: { secret } } },
    {
      kind: 'Metadata',
      metadata: { name: 'nova', project: 'a' },
      spec: { scope: { network: 'cloud' }, mode: 'proxy', nova: { url, secretRef: 'nova' } },
    },
  ]);
  tenant = (await appliance.json<{ status: { uuid: string } }>(['get', 'project', 'a'])).status.uuid.replaceAll('-', '');
  for (const each of stations) {
    await appliance.must(['--project', each.project, 'wait', 'Port', each.vm, '--for=ready', '--timeout=20s']);
    await configure(vms, each);
  }
});

test.after.always(async (t) => {
  await t.context.appliance.stop();
  await t.context.vms.remove();
  await t.context.nova.stop();
});

async function curl(vms: Vms, vm: string, url: string, ...options: string[]): Promise<string> {
  const { code, stdout } = await vms.exec(vm, ['curl', '--silent', '--fail', '--globoff', '--max-time', '5', ...options, url]);
  return code === 0 ? stdout : `curl: ${code}`;
}

const idOf = (vm: string): string => stations.find((each) => each.vm === vm)?.id ?? '';

test.serial('two tenants with the same addresses get each its own, at every address', async (t) => {
  const { vms } = t.context;
  for (const vm of ['a1', 'b1'])
    for (const at of [ipv4, linkLocal, unique]) t.is(await curl(vms, vm, `${at}${idPath}`), idOf(vm), `${vm} ${at}`);
  t.is(await curl(vms, 'a1', `${ipv4}/openstack/latest/user_data`), '#cloud-config\n');
  t.is(await curl(vms, 'b1', `${ipv4}/openstack/latest/user_data`), 'curl: 22');
});

/** A VM's link-local address must be past duplicate address detection before anything can be sent from it. */
async function settled(vms: Vms, vm: string, url: string): Promise<string> {
  const ask = async (): Promise<string | undefined> => {
    const said = await curl(vms, vm, url);
    return said === 'curl: 7' ? undefined : said;
  };
  return (await until(ask, 5_000)) ?? 'not settled in time';
}

test.serial('a VM with IPv6 only, one without any address, and one in a bridged network are answered', async (t) => {
  const { vms } = t.context;
  for (const at of [linkLocal, unique]) t.is(await settled(vms, 'six', `${at}${idPath}`), idOf('six'), at);
  t.is(await settled(vms, 'new', `${linkLocal}${idPath}`), idOf('new'));
  for (const at of [ipv4, linkLocal]) t.is(await settled(vms, 'flat', `${at}${idPath}`), idOf('flat'), at);
});

test.serial('where there is none a connection is refused at once', async (t) => {
  const { vms } = t.context;
  // 28 would be a timeout.
  for (const at of [ipv4, linkLocal]) t.is(await curl(vms, 'deaf', `${at}${idPath}`), 'curl: 7', at);
});

test.serial('a proxy proves to Nova who asks, and believes no header of the VM', async (t) => {
  const { vms, nova } = t.context;
  const forged = ['X-Instance-ID', 'x_instance_id', 'X-Tenant-ID', 'X-Instance-ID-Signature', 'X-Forwarded-For'].flatMap((name) => [
    '-H',
    `${name}: forged`,
  ]);
  for (const options of [[], forged, ['--http1.0']])
    t.is(await curl(vms, 'os', `${ipv4}/openstack/latest/meta_data.json`, ...options), '{"uuid": "of Nova"}', options.join(' '));
  t.deepEqual(
    nova.requests.map(({ headers }) => headers['x-forwarded-for']),
    [['10.5.0.11'], ['10.5.0.11'], ['10.5.0.11']],
  );
  t.notRegex(JSON.stringify(nova.requests), /forged/);
});

test.serial('weft metadata shows who asked, and no secret', async (t) => {
  const shown = await t.context.appliance.must(['metadata', '--project', 'a', '-o', 'json']);
  const { items } = JSON.parse(shown) as { items: { port: string; mode: string; lastStatus: number }[] };
  t.like(
    items.find((each) => each.port === 'os'),
    { mode: 'proxy', lastStatus: 200 },
  );
  t.like(
    items.find((each) => each.port === 'a1'),
    { mode: 'builtin', lastStatus: 200 },
  );
  t.notRegex(shown, new RegExp(secret));
});

test.serial('the plugin is killed: it answers again, a token still holds, and nothing else has noticed', async (t) => {
  const { appliance, vms } = t.context;
  const token = await curl(vms, 'a1', `${ipv4}/latest/api/token`, '-X', 'PUT', '-H', 'X-aws-ec2-metadata-token-ttl-seconds: 60');
  const before = await appliance.processes();
  const pid = before.find(({ name }) => name === 'metadata')?.pid ?? 0;
  process.kill(pid, 'SIGKILL');
  const killed = performance.now();
  const read = () => curl(vms, 'a1', `${ipv4}${idPath}`, '--max-time', '1', '-H', `X-aws-ec2-metadata-token: ${token}`);
  t.true(await until(async () => (await read()) === idOf('a1'), 10_000, 50));
  t.log(`away for ${Math.round(performance.now() - killed)} ms`);
  const others = (list: typeof before) => list.filter(({ name }) => name !== 'metadata');
  t.deepEqual(others(await appliance.processes()), others(before));
});

test.serial('disabled, it is not there; enabled, it answers', async (t) => {
  const { appliance, vms } = t.context;
  await appliance.must(['plugin', 'disable', 'metadata']);
  t.regex(await curl(vms, 'a1', `${linkLocal}${idPath}`, '--max-time', '2'), /^curl: /);
  await appliance.must(['plugin', 'enable', 'metadata']);
  t.true(await until(async () => (await curl(vms, 'a1', `${ipv4}${idPath}`)) === idOf('a1'), 20_000));
});
