/**
 * Names of the outside through real name servers: two tenants with the same addresses and upstreams of their own, upstreams that fall silent, go and come
 * back, IPv6 addresses made of IPv4 ones, and a reply that only TCP holds.
 */
import anyTest, { type TestFn } from 'ava';
import { Appliance, run, spawnMortal, until } from '../run/appliance.ts';
import { Vms } from '../run/vms.ts';

interface Upstream {
  readonly address: string;
  signal(signal: NodeJS.Signals): void;
  /** Ends it and waits until it has. */
  kill(): Promise<void>;
}

interface Shown {
  readonly network: string;
  readonly upstream: string;
  readonly state: string;
  readonly failures: number;
  readonly truncated: number;
  readonly tcp: number;
}

const test = anyTest as TestFn<{ appliance: Appliance; vms: Vms; upstreams: Map<string, Upstream> }>;

/** The upstreams stand in a namespace behind a link to the host: eight addresses for each run. */
const base = (process.pid & 0x1fff) * 8;
const at = (index: number): string => `198.18.${base >> 8}.${(base & 0xff) + index}`;
const hostAddress = at(1);
const addresses = { first: at(2), second: at(3), acme: `${at(4)}:5303`, globex: `${at(5)}:5304` };
const link = `wd${process.pid}`;
const gateway = '10.1.0.1';
const long = Array.from({ length: 12 }, (_, index) => `${index}-${'x'.repeat(240)}`);
const records: Record<keyof typeof addresses, readonly string[]> = {
  first: ['--host-record=www.shop.test,192.0.2.1'],
  second: ['--host-record=www.shop.test,192.0.2.1'],
  acme: [
    '--host-record=www.shop.test,198.51.100.7',
    '--host-record=only.acme.test,198.51.100.8,2001:db8::8',
    '--cname=alias.shop.test,www.shop.test',
    '--ptr-record=7.100.51.198.in-addr.arpa,www.shop.test',
    `--txt-record=long.shop.test,${long.join(',')}`,
  ],
  globex: ['--host-record=www.shop.test,203.0.113.7'],
};

/** A real name server with these records; every other name in test does not exist. */
async function nameServer(vms: Vms, name: keyof typeof addresses): Promise<Upstream> {
  const address = addresses[name];
  const [listen = '', port = '53'] = address.split(':');
  const quiet = ['--no-daemon', '--conf-file=/dev/null', '--user=root', '--pid-file=', '--no-resolv', '--no-hosts', '--log-facility=-'];
  const args = [...quiet, `--listen-address=${listen}`, '--bind-interfaces', `--port=${port}`, '--local=/test/arpa/', '--local-ttl=2'];
  const child = spawnMortal('ip', ['netns', 'exec', vms.netns('servers'), 'dnsmasq', ...args, ...records[name]]);
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  let said = '';
  const started = new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (chunk) => {
      said += chunk;
      if (said.includes('started')) resolve();
    });
    child.on('close', () => reject(new Error(`dnsmasq: ${said}`)));
  });
  await started;
  const kill = (): Promise<void> => {
    child.kill('SIGKILL');
    return ended;
  };
  return { address, signal: (signal) => void child.kill(signal), kill };
}

async function must(command: string): Promise<void> {
  const { code, stderr } = await run('sh', ['-ec', command]);
  if (code !== 0) throw new Error(`${command}: ${stderr}`);
}

async function wire(vms: Vms): Promise<void> {
  const { netns } = await vms.add('servers');
  const others = [2, 3, 4, 5].map((index) => `ip -n ${netns} address add ${at(index)}/29 dev up0`);
  await must(`ip link add ${link} type veth peer name up0 netns ${netns}
    ip address add ${hostAddress}/29 dev ${link}; ip link set ${link} up; ip -n ${netns} link set up0 up
    ${others.join('\n')}`);
}

async function dig(vms: Vms, vm: string, ...question: string[]): Promise<string[]> {
  const { stdout } = await vms.exec(vm, ['dig', '+tries=1', '+time=8', '+short', `@${gateway}`, ...question]);
  return stdout.split('\n').filter((line) => line !== '');
}

async function status(vms: Vms, vm: string, name: string): Promise<string | undefined> {
  const { stdout } = await vms.exec(vm, ['dig', '+tries=1', '+time=8', `@${gateway}`, name]);
  return /status: (\w+)/.exec(stdout)?.[1];
}

async function ttl(vms: Vms, vm: string, name: string): Promise<number> {
  const { stdout } = await vms.exec(vm, ['dig', '+tries=1', '+time=8', '+noall', '+answer', `@${gateway}`, name]);
  return Number(stdout.split(/\s+/)[1] ?? Number.NaN);
}

async function shown(appliance: Appliance, address: string): Promise<Shown | undefined> {
  const { items } = await appliance.json<{ items: Shown[] }>(['-A', 'upstreams']);
  return items.find(({ upstream }) => upstream === address);
}

const network = (project: string, resolver?: object) => ({
  kind: 'VirtualNetwork',
  metadata: { name: 'red', project },
  spec: { subnets: [{ cidr: '10.1.0.0/24' }], ...(resolver === undefined ? {} : { resolver }) },
});

test.before(async (t) => {
  const own = { upstreams: [addresses.first, addresses.second], timeoutMs: 400, hedgeMs: 150 };
  const appliance = new Appliance({ settings: JSON.stringify({ plugins: { dns: own } }) });
  const vms = new Vms('dnsup');
  const upstreams = new Map<string, Upstream>();
  Object.assign(t.context, { appliance, vms, upstreams });
  await wire(vms);
  for (const name of Object.keys(addresses)) upstreams.set(name, await nameServer(vms, name as keyof typeof addresses));
  await appliance.start();
  await appliance.apply([
    ...['acme', 'globex', 'plain'].map((name) => ({ kind: 'Project', metadata: { name }, spec: {} })),
    network('acme', { upstreams: [addresses.acme], dns64: '2001:db8:64::/96' }),
    network('globex', { upstreams: [addresses.globex] }),
    network('plain'),
  ]);
  for (const project of ['acme', 'globex', 'plain']) {
    await vms.join(appliance, { vm: project, project, network: 'red', address: '10.1.0.11' }, gateway);
  }
});

test.after.always(async (t) => {
  const { appliance, vms, upstreams } = t.context;
  await appliance.stop();
  await vms.remove();
  for (const upstream of upstreams.values()) await upstream.kill();
});

test.serial('each tenant hears its own upstreams, and never what those of another said', async (t) => {
  const { vms } = t.context;
  for (let round = 0; round < 2; round += 1) {
    t.deepEqual(await dig(vms, 'acme', 'www.shop.test'), ['198.51.100.7']);
    t.deepEqual(await dig(vms, 'globex', 'www.shop.test'), ['203.0.113.7']);
    t.deepEqual(await dig(vms, 'plain', 'www.shop.test'), ['192.0.2.1']);
    t.is(await status(vms, 'acme', 'only.acme.test'), 'NOERROR');
    for (const other of ['globex', 'plain']) t.is(await status(vms, other, 'only.acme.test'), 'NXDOMAIN', other);
  }
});

test.serial('an upstream that says nothing, or is gone: the last answer; back again: a fresh one', async (t) => {
  const { appliance, vms, upstreams } = t.context;
  const fresh = async (): Promise<boolean> => (await ttl(vms, 'globex', 'www.shop.test')) <= 2;
  const stale = async (): Promise<boolean> => (await ttl(vms, 'globex', 'www.shop.test')) === 30;
  t.true(await fresh());
  upstreams.get('globex')?.signal('SIGSTOP');
  t.true(await until(stale, 10_000), 'while it is silent');
  t.deepEqual(await dig(vms, 'globex', 'www.shop.test'), ['203.0.113.7']);
  t.is(await status(vms, 'globex', 'never-asked.shop.test'), 'SERVFAIL');
  t.true(await until(async () => (await shown(appliance, addresses.globex))?.state === 'down', 20_000), 'it is known to be down');
  upstreams.get('globex')?.signal('SIGCONT');
  t.true(await until(fresh, 70_000), 'a probe finds it');
  t.is((await shown(appliance, addresses.globex))?.state, 'up');
  await upstreams.get('globex')?.kill();
  t.true(await until(stale, 10_000), 'when it is gone');
  upstreams.set('globex', await nameServer(vms, 'globex'));
  t.true(await until(fresh, 70_000));
  t.deepEqual(await dig(vms, 'acme', 'www.shop.test'), ['198.51.100.7'], 'nobody else noticed');
});

test.serial('a name with IPv4 addresses only has IPv6 addresses in the prefix of the network', async (t) => {
  const { vms } = t.context;
  t.deepEqual(await dig(vms, 'acme', 'www.shop.test', 'AAAA'), ['2001:db8:64::c633:6407']);
  t.deepEqual(await dig(vms, 'acme', 'alias.shop.test', 'AAAA'), ['www.shop.test.', '2001:db8:64::c633:6407']);
  t.deepEqual(await dig(vms, 'acme', 'only.acme.test', 'AAAA'), ['2001:db8::8'], 'not where there is one');
  t.deepEqual((await dig(vms, 'acme', 'ipv4only.arpa', 'AAAA')).toSorted(), ['2001:db8:64::c000:aa', '2001:db8:64::c000:ab']);
  t.deepEqual((await dig(vms, 'acme', '-x', '2001:db8:64::c633:6407')).slice(1), ['www.shop.test.']);
  t.deepEqual(await dig(vms, 'acme', '+dnssec', '+cd', 'www.shop.test', 'AAAA'), [], 'not for who validates');
  t.deepEqual(await dig(vms, 'globex', 'www.shop.test', 'AAAA'), [], 'nor without a prefix');
});

test.serial('what does not fit a datagram comes whole over TCP, on both sides', async (t) => {
  const { appliance, vms } = t.context;
  const [text = ''] = await dig(vms, 'acme', 'long.shop.test', 'TXT');
  t.is(text, long.map((part) => `"${part}"`).join(' '));
  const upstream = await shown(appliance, addresses.acme);
  t.true((upstream?.truncated ?? 0) >= 1);
  t.true((upstream?.tcp ?? 0) >= 1);
});

test.serial('without its first upstream the plugin asks the second; without both there is an alarm until one is back', async (t) => {
  const { appliance, vms, upstreams } = t.context;
  const alarms = async () => {
    const { items } = await appliance.json<{ items: { status: { text?: string; severity?: string } }[] }>(['get', 'Alarm', '-A']);
    return items.filter(({ status: { text } }) => text?.includes('no upstream answers'));
  };
  upstreams.get('first')?.signal('SIGSTOP');
  for (let index = 0; index < 4; index += 1) t.is(await status(vms, 'plain', `n${index}.shop.test`), 'NXDOMAIN');
  t.true(await until(async () => (await shown(appliance, addresses.first))?.state === 'down', 20_000));
  t.is((await shown(appliance, addresses.second))?.state, 'up');
  t.deepEqual(await alarms(), []);
  upstreams.get('second')?.signal('SIGSTOP');
  for (let index = 0; index < 4; index += 1) t.is(await status(vms, 'plain', `m${index}.shop.test`), 'SERVFAIL');
  t.true(await until(async () => (await alarms()).length === 1, 20_000));
  for (const name of ['first', 'second']) upstreams.get(name)?.signal('SIGCONT');
  t.true(await until(async () => (await alarms()).length === 0, 70_000));
  t.is(await status(vms, 'plain', 'www.shop.test'), 'NOERROR');
});
