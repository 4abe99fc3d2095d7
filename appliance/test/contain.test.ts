/** A plugin that leaks, spins, forks or fills its folder is stopped and named, and nobody else notices. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { basename, join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { Appliance, top, until } from '../run/appliance.ts';
import { ask, operation } from './hostile-plugin.ts';

interface Plugin {
  readonly state: string;
  readonly reason: string;
  readonly pid: number;
  readonly restarts: number;
  readonly enforcement: { readonly memory: string; readonly cpu: string; readonly tasks: string };
}

const test = anyTest as TestFn<{ appliance: Appliance; port: Server }>;
const name = 'unruly';

async function plugin(appliance: Appliance, which = name): Promise<Plugin> {
  return (await ask(appliance, 'GET', `/v1/plugins/${which}`)).body as Plugin;
}

async function alarm(appliance: Appliance, which = `kernel.plugin-${name}`): Promise<string | undefined> {
  const { body } = await ask(appliance, 'GET', '/v1/alarms');
  const { items } = body as { items: { metadata: { name: string }; status: { text: string } }[] };
  return items.find(({ metadata }) => metadata.name === which)?.status.text;
}

const act = (appliance: Appliance, act: string): Promise<unknown> => operation(appliance, `${name}.act`, { name: act });

/** It serves again, in another process. */
async function revived(appliance: Appliance, former: number): Promise<Plugin | undefined> {
  return until(async () => {
    const now = await plugin(appliance);
    return now.state === 'running' && now.pid !== former && now;
  }, 30_000);
}

function listening(): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => resolve(server));
  });
}

test.before(async (t) => {
  const port = await listening();
  const { port: number } = port.address() as { port: number };
  const settings = {
    pluginDirs: [join(top, 'plugins'), join(top, 'appliance/test/plugins-unruly')],
    log: { maxMib: 1, files: 10 },
    api: { tls: { listen: `127.0.0.1:${number}` } },
  };
  Object.assign(t.context, { appliance: new Appliance({ settings: JSON.stringify(settings) }), port });
  await t.context.appliance.start();
});
test.after.always(async (t) => {
  await t.context.appliance.stop();
  t.context.port.close();
});

test.serial('a taken port is an alarm, and the API listens there as soon as it is free', async (t) => {
  const { appliance, port } = t.context;
  t.regex((await alarm(appliance, 'kernel.api-network')) ?? '', /cannot listen at 127\.0\.0\.1:\d+: .*EADDRINUSE/);
  port.close();
  t.truthy(await until(async () => (await alarm(appliance, 'kernel.api-network')) === undefined, 15_000));
});

test.serial('a plugin sees its own folder, its sockets, the program and nothing else', async (t) => {
  const { appliance } = t.context;
  const { root, run, interfaces } = await operation<{ root: string[]; run: string[]; interfaces: string[] }>(appliance, `${name}.look`, {});
  t.deepEqual(root.sort(), ['dev', 'etc', 'lib', 'lib64', 'proc', 'run', 'tmp', 'usr']);
  t.deepEqual(run.sort(), ['app', 'forwarder', 'kernel', 'state']);
  t.deepEqual(interfaces, []);
  const network = (pid: number | string): string => readlinkSync(`/proc/${pid}/ns/net`);
  t.not(network((await plugin(appliance)).pid), network('self'));
  t.is(network((await plugin(appliance, 'dns')).pid), network('self'), 'it was granted the outside');
});

test.serial('a plugin that leaks is ended, named and started again', async (t) => {
  const { appliance } = t.context;
  const before = await plugin(appliance);
  const others = await appliance.processes();
  await act(appliance, 'leak');
  t.is((await revived(appliance, before.pid))?.restarts, before.restarts + 1);
  t.regex((await alarm(appliance)) ?? '', /plugin unruly: it used more than its 160 MiB of memory and was started again/);
  const same = others.filter(({ name: process }) => process !== name);
  t.deepEqual(
    (await appliance.processes()).filter(({ name: process }) => process !== name),
    same,
  );
});

test.serial('a plugin that spins gets no more than its share and is restarted', async (t) => {
  const { appliance } = t.context;
  const { pid, enforcement } = await plugin(appliance);
  if (enforcement.cpu === 'group') t.regex(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), /[:,]cpu[,:].*\/unruly$|^0::.*\/unruly$/m);
  await act(appliance, 'spin');
  t.truthy(await until(async () => /left 3 pings unanswered/.test((await alarm(appliance)) ?? ''), 20_000));
  t.truthy(await revived(appliance, pid));
});

test.serial('a plugin that forks without end is ended with all its processes, and named', async (t) => {
  const { appliance } = t.context;
  const { pid, enforcement } = await plugin(appliance);
  if (enforcement.tasks !== 'group') return t.pass('nothing counts its processes at once here');
  await act(appliance, 'fork');
  t.truthy(await revived(appliance, pid));
  t.regex((await alarm(appliance)) ?? '', /it wanted more than its 32 threads and processes/);
  const uid = /^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${(await plugin(appliance)).pid}/status`, 'utf8'))?.[1];
  const waiting = (await appliance.processes()).length;
  t.true(waiting > 0 && uid !== undefined);
  const own = groupsOf(appliance).flatMap((group) =>
    readFileSync(join(group, name, 'cgroup.procs'), 'utf8')
      .trim()
      .split('\n'),
  );
  t.deepEqual([...new Set(own)], [`${(await plugin(appliance)).pid}`]);
});

test.serial('a plugin that logs without end fills no disk, and no line of it is lost', async (t) => {
  const { appliance } = t.context;
  await act(appliance, 'chatter');
  const logs = join(appliance.stateDir, 'log');
  const lines = (): number[] =>
    readdirSync(logs)
      .filter((file) => file.startsWith(`${name}.log`))
      .flatMap((file) => [...readFileSync(join(logs, file), 'latin1').matchAll(/^\{"chatter":(\d+),/gm)].map(([, line]) => Number(line)));
  t.truthy(await until(async () => lines().length === 30_000 && existsSync(join(logs, `${name}.log.1`)), 20_000));
  t.is(new Set(lines()).size, 30_000);
});

test.serial('a plugin that fills its folder fails, and the others serve', async (t) => {
  const { appliance } = t.context;
  await act(appliance, 'fill');
  const failed = await until(async () => {
    const now = await plugin(appliance);
    return now.state === 'failed' && now;
  }, 40_000);
  t.regex(failed?.reason ?? '', /stays down \(its folder .*\/plugins\/unruly holds more than its 8 MiB\)/);
  t.is((await plugin(appliance, 'network')).state, 'running');
});

test.serial('nothing is left of it all', async (t) => {
  const { appliance } = t.context;
  const groups = groupsOf(appliance);
  const pids = (await appliance.processes()).map(({ pid }) => pid);
  await appliance.stop(false);
  t.deepEqual(groups.filter(existsSync), []);
  t.deepEqual(
    pids.filter((pid) => existsSync(`/proc/${pid}`)),
    [],
  );
});

/** Folders of this appliance's control groups. */
function groupsOf({ stateDir }: Appliance): string[] {
  const api = readlinkSync(join(stateDir, 'api.sock'));
  const instance = basename(join(api, '../..'));
  return ['pids', 'cpu', 'memory', '.'].map((controller) => join('/sys/fs/cgroup', controller, instance)).filter(existsSync);
}
