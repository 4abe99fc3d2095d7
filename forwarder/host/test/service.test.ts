/** Sockets of service ports, handed over by a real forwarder process. Needs root and the built library. */
import { execFile, execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { promisify } from 'node:util';
import { packUpsert, servicePortId } from '@weft/kernel/contract/net';
import { WeftFailure } from '@weft/kernel/contract/system';
import test, { type ExecutionContext } from 'ava';
import { Launcher } from './launcher.ts';

const run = promisify(execFile);
const udp = { protocol: 'udp', l4Port: 123, address: '169.254.169.254' } as const;

/** What comes for a ticket: the address and port of the socket, or "nothing". */
const take = `import array, socket, sys
c = socket.socket(socket.AF_UNIX); c.settimeout(3); c.connect(sys.argv[1]); c.sendall(sys.argv[2].encode())
try: data, ancillary, _, _ = c.recvmsg(1, 64)
except ConnectionError: ancillary = []
if not ancillary: sys.exit(print('nothing'))
print(*socket.socket(fileno=array.array('i', ancillary[0][2])[0]).getsockname()[:2])`;

const show = async (launcher: Launcher, ticket: string): Promise<string> =>
  (await run('python3', ['-c', take, launcher.serviceSocket('meta'), ticket])).stdout.trim();

async function launch(t: ExecutionContext): Promise<Launcher> {
  const launcher = new Launcher();
  t.teardown(async () => {
    if (!t.passed) t.log(launcher.output);
    await launcher.close();
    for (const name of namespaces(launcher)) execFileSync('ip', ['netns', 'delete', name]);
  });
  await launcher.start({ debug: { faults: true } });
  return launcher;
}

/** A plugin with a service port, which is there. */
async function served(launcher: Launcher) {
  const { caller } = await launcher.plugin('meta', ['service'], [], undefined, { servicePort: true });
  const at = await until(() => caller.call('service.namespace', {}));
  return { caller, ...at };
}

async function until<T>(ask: () => Promise<T>): Promise<T> {
  for (const end = Date.now() + 5_000; ; await new Promise((resolve) => setTimeout(resolve, 20))) {
    try {
      return await ask();
    } catch (thrown) {
      if (Date.now() > end || !(thrown instanceof WeftFailure) || thrown.error.code !== 'UNAVAILABLE') throw thrown;
    }
  }
}

const namespaces = ({ linkTag }: Launcher): string[] => readdirSync('/run/netns').filter((name) => name.startsWith(`weft-${linkTag}-`));
const links = ({ linkTag }: Launcher): string[] => readdirSync('/sys/class/net').filter((name) => name.startsWith(`wf${linkTag}p104`));

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'none',
    (thrown) => (thrown instanceof WeftFailure ? thrown.error.code : String(thrown)),
  );
}

test.serial('a ticket gives one socket, once; without one there is nothing', async (t) => {
  const launcher = await launch(t);
  const { caller, port } = await served(launcher);
  t.true(port > servicePortId(0));
  const { ticket } = await caller.call('service.socket', { protocol: 'tcp', l4Port: 80 });
  t.is(await show(launcher, 'x'.repeat(64)), 'nothing');
  t.is(await show(launcher, ticket), ':: 80');
  t.is(await show(launcher, ticket), 'nothing');
  const second = await caller.call('service.socket', udp);
  t.is(await show(launcher, second.ticket), '169.254.169.254 123');
  const third = await caller.call('service.socket', { ...udp, address: 'fe80::a9fe:a9fe' });
  t.regex(await show(launcher, third.ticket), /^fe80::a9fe:a9fe(%\S+)? 123$/);
});

test.serial('who may have none, what there cannot be, and what is taken is refused by name', async (t) => {
  const launcher = await launch(t);
  const { caller } = await served(launcher);
  const stranger = await launcher.plugin('stranger', ['service']);
  t.is(await codeOf(stranger.caller.call('service.socket', udp)), 'FORBIDDEN');
  t.is(await codeOf(stranger.caller.call('service.namespace', {})), 'FORBIDDEN');
  for (const wrong of [
    { ...udp, address: 'x' },
    { ...udp, l4Port: 0 },
    { ...udp, l4Port: 65_536 },
    { protocol: 'udp', l4Port: 1 },
  ] as const)
    t.is(await codeOf(caller.call('service.socket', wrong)), 'INVALID', JSON.stringify(wrong));
  t.is(await codeOf(caller.call('service.socket', { protocol: 'icmp', l4Port: 1 } as never)), 'INVALID');
  t.is(await codeOf(caller.call('service.socket', { protocol: 'tcp', l4Port: 80, address: '10.0.0.1' })), 'INVALID');
  const netns = namespaces(launcher)[0] ?? '';
  const holder = execFile('ip', [
    'netns',
    'exec',
    netns,
    'python3',
    '-c',
    'import socket; s = socket.create_server(("", 81)); print(flush=True); input()',
  ]);
  await new Promise((resolve) => holder.stdout?.once('data', resolve));
  t.is(await codeOf(caller.call('service.socket', { protocol: 'tcp', l4Port: 81 })), 'CONFLICT');
  holder.kill();
});

test.serial('who asks again takes the place of what it asked for before; others have a limit', async (t) => {
  const launcher = await launch(t);
  const { caller } = await served(launcher);
  const first = await caller.call('service.socket', udp);
  const second = await caller.call('service.socket', udp);
  t.is(await show(launcher, first.ticket), 'nothing');
  const before = launcher.descriptors();
  for (let l4Port = 1; l4Port <= 15; l4Port++) await caller.call('service.socket', { ...udp, l4Port });
  t.is(await codeOf(caller.call('service.socket', { ...udp, l4Port: 16 })), 'UNAVAILABLE');
  t.is(await show(launcher, second.ticket), '169.254.169.254 123');
  await new Promise((resolve) => setTimeout(resolve, 5_500));
  t.true(launcher.descriptors() < before, 'what was not taken is closed');
  t.is(await codeOf(caller.call('service.socket', { ...udp, l4Port: 16 })), 'none');
});

test.serial('the namespace stays when Worker and forwarder are killed, and while the plugin is away', async (t) => {
  const launcher = await launch(t);
  const { caller, namespace } = await served(launcher);
  const [name = ''] = namespaces(launcher);
  t.is(String(statSync(`/run/netns/${name}`).ino), namespace);
  const [link = ''] = links(launcher);
  await (caller as unknown as { call(method: string, input: object): Promise<unknown> }).call('debug.killWorker', {});
  t.is((await until(() => caller.call('service.namespace', {}))).namespace, namespace);
  await launcher.end('SIGKILL');
  await launcher.start();
  await caller.whenConnected();
  t.is((await until(() => caller.call('service.namespace', {}))).namespace, namespace);
  t.deepEqual([namespaces(launcher), links(launcher)], [[name], [link]]);
});

test.serial('it goes with the grant, with the plugin, and only with news of them', async (t) => {
  const launcher = await launch(t);
  await served(launcher);
  t.deepEqual([namespaces(launcher).length, links(launcher).length], [1, 1]);
  launcher.forget('meta', true);
  const gone = async () => {
    if (namespaces(launcher).length + links(launcher).length > 0) throw new WeftFailure({ code: 'UNAVAILABLE', message: 'still there' });
  };
  await t.notThrowsAsync(until(gone));
  await served(launcher);
  launcher.forget('meta');
  await t.notThrowsAsync(until(gone), 'uninstalled');
});

test.serial('a namespace that is not of this forwarder is neither made nor removed', async (t) => {
  const launcher = await launch(t);
  const { caller } = await launcher.plugin('network', ['port']);
  const name = `weft-other${process.pid}`;
  execFileSync('ip', ['netns', 'add', name]);
  t.teardown(() => void execFileSync('ip', ['netns', 'delete', name]));
  const begun = await caller.call('rows.begin', {});
  const row = { table: 'port', id: 9, bridge: 0, parent: 5, flags: 16, mac: '02:00:00:00:00:09', mtu: 1500, vlan: 0, binding: 2 } as const;
  await caller.call('rows.apply', { ...begun, ops: packUpsert({ ...row, interface: 'service0', netns: name, socket: '' }) });
  await until(async () => {
    const { ports } = await caller.call('ports.read', {});
    if (ports[0]?.state !== 'up') throw new WeftFailure({ code: 'UNAVAILABLE', message: 'not up' });
  });
  await caller.call('rows.clear', {});
  t.true(readdirSync('/run/netns').includes(name));
});
