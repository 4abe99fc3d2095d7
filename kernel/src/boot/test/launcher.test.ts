import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import anyTest, { type TestFn } from 'ava';
import type { ChildState, Handoff, PeerNews } from '../../../contract/system/index.ts';
import { readSettings } from '../../config/index.ts';
import { Containment } from '../containment.ts';
import { ControlGroups, groupName } from '../control-groups.ts';
import { Instance } from '../instance.ts';
import { Launches } from '../launches.ts';
import { cleanRun, deleteLinks, deleteRules, recordRun } from '../leftovers.ts';
import { lockHolder, takeLock } from '../lock.ts';
import { type InstancePaths, instancePaths, programDir } from '../paths.ts';
import { identify, isAlive, type ProcessId } from '../proc.ts';
import { openStateMemory } from '../state-memory.ts';
import { kernelUid, Uids } from '../uids.ts';

interface Run {
  readonly paths: InstancePaths;
  readonly ready: Promise<void>;
  readonly lines: string[];
  processes: Readonly<Record<string, ProcessId>>;
  stop(): Promise<void>;
}

interface Report {
  readonly handoff: Handoff;
  readonly status: string;
  readonly pid: number;
  readonly cwd: string;
  readonly entry: string;
  readonly starts: number;
}

const test = anyTest as TestFn<{ run: Run }>;
const programs = {
  dir: programDir,
  kernel: 'kernel/src/boot/test/fake-kernel.ts',
  forwarder: 'kernel/src/boot/test/fake-forwarder.ts',
  plugin: 'kernel/src/boot/test/fake-plugin.ts',
};

async function begin(): Promise<Run> {
  // Below a folder that no other uid may enter, as a clone in /root is.
  const dir = mkdtempSync(join(tmpdir(), 'weft-launcher-'));
  const paths = {
    ...instancePaths({ stateDir: join(dir, 'state'), settings: await readSettings('', 'test') }),
    runDir: `/run/wt-${process.pid}-${dir.slice(-6)}`,
  };
  mkdirSync(paths.runDir, { recursive: true });
  mkdirSync(paths.stateDir, { recursive: true });
  const memory = openStateMemory();
  const settings = await readSettings('', 'test');
  const containment = new Containment(new ControlGroups(groupName(paths.runDir)));
  const launches = new Launches({ paths, settings, programs, uids: new Uids(paths.stateDir), memory, containment });
  launches.prepare();
  const ready = Promise.withResolvers<void>();
  const lines: string[] = [];
  let stopped = false;
  const run: Run = {
    paths,
    ready: ready.promise,
    lines,
    processes: {},
    stop: async () => {
      if (stopped) return;
      stopped = true;
      await instance.stop();
      await containment.close();
      closeSync(memory.descriptor);
      rmSync(paths.runDir, { recursive: true, force: true });
      rmSync(dir, { recursive: true, force: true });
    },
  };
  const instance = new Instance({
    launches,
    containment,
    logDir: join(paths.stateDir, 'log'),
    onProcesses: (processes) => {
      run.processes = processes;
    },
    say: (line) => lines.push(line),
    onReady: ready.resolve,
  });
  await containment.open();
  instance.start();
  return run;
}

const file = {
  kernel: 'store/kernel.json',
  children: 'store/children.json',
  plugin: 'plugins/fake/plugin.json',
  forwarder: 'forwarder/forwarder.json',
  peers: 'forwarder/peers.json',
};
function read<T = Report>(run: Run, name: keyof typeof file): T | null {
  try {
    return JSON.parse(readFileSync(join(run.paths.stateDir, file[name]), 'utf8')) as T;
  } catch {
    return null;
  }
}

async function until<T>(what: () => T): Promise<Exclude<T, null | undefined | false>> {
  for (let tries = 0; tries < 1_000; tries++) {
    const found = what();
    if (found) return found as Exclude<T, null | undefined | false>;
    await sleep(10);
  }
  throw new Error('it did not come to pass within 10 s');
}

function order(run: Run, text: string): void {
  writeFileSync(join(run.paths.stateDir, 'store', 'orders'), text);
}

const root = process.getuid?.() === 0;

test.beforeEach(async (t) => {
  if (t.title.includes('launcher')) t.context.run = await begin();
});
test.afterEach.always(async (t) => {
  await t.context.run?.stop();
});

test.serial(
  'launcher: kernel and plugins run without rights, each with a uid of its own, and reach only what they are given',
  async (t) => {
    const { run } = t.context;
    await run.ready;
    const kernel = await until(() => read(run, 'kernel'));
    const plugin = await until(() => read(run, 'plugin'));
    for (const { status } of [kernel, plugin]) {
      t.regex(status, /^CapEff:\t0+$/m);
      t.regex(status, /^CapBnd:\t0+$/m);
      t.regex(status, /^NoNewPrivs:\t1$/m);
    }
    t.regex(kernel.status, new RegExp(`^Uid:\t${kernelUid}\t${kernelUid}\t`, 'm'));
    t.regex(plugin.status, new RegExp(`^Uid:\t${kernelUid + 1}\t`, 'm'));
    t.is(plugin.cwd, join(run.paths.runDir, 'app'));
    t.is(plugin.entry, join(run.paths.runDir, 'app/kernel/src/boot/test/nothing.ts'));
    t.is(statSync(join(run.paths.stateDir, 'plugins/fake')).mode & 0o777, 0o700);
    t.deepEqual(JSON.parse(readFileSync(join(run.paths.stateDir, 'uids.json'), 'utf8')), { fake: kernelUid + 1 });
  },
);

test.serial('launcher: hands each process its keys and settings, and the forwarder the peers', async (t) => {
  const { run } = t.context;
  await run.ready;
  const plugin = await until(() => read(run, 'plugin'));
  const forwarder = await until(() => read(run, 'forwarder'));
  const kernel = await until(() => read(run, 'kernel'));
  t.like(plugin.handoff, { name: 'fake', settings: { greeting: 'hello' }, runDir: run.paths.runDir });
  t.is(plugin.handoff.servers.kernel, kernel.handoff.keys.publicKey);
  t.is(plugin.handoff.servers.forwarder, forwarder.handoff.keys.publicKey);
  t.like(forwarder.handoff.settings, { maxPorts: 16_384 });
  t.regex(forwarder.handoff.linkTag ?? '', /^[a-z0-9]{3}$/);
  t.deepEqual(kernel.handoff.settings.pluginDirs, [join(run.paths.runDir, 'app/plugins')]);
  await until(() => JSON.stringify(read<object>(run, 'peers'))?.includes(plugin.handoff.keys.publicKey));
  const children = await until(() => read<ChildState[]>(run, 'children')?.find((child) => child.name === 'fake' && child.pid));
  t.is(children.publicKey, plugin.handoff.keys.publicKey);
});

test.serial('launcher: a kernel cannot make it write outside of its folders by the name of a plugin', async (t) => {
  const { run } = t.context;
  await run.ready;
  order(run, 'stray');
  const outside = ['stray', 'stray.log'].map((name) => join(run.paths.stateDir, '..', name));
  await until(() => run.lines.some((line) => line.includes('stray')) || outside.some((path) => existsSync(path)));
  t.false(outside.some((path) => existsSync(path)));
  t.truthy(run.processes.fake, 'the others run');
});

test.serial('launcher: a killed plugin comes back under a new key; the others stay', async (t) => {
  const { run } = t.context;
  await run.ready;
  const before = await until(() => read(run, 'plugin'));
  const kernel = run.processes.kernel?.pid;
  process.kill(before.pid, 'SIGKILL');
  const after = await until(() => {
    const now = read(run, 'plugin');
    return now !== null && now.pid !== before.pid && now;
  });
  t.not(after.handoff.keys.publicKey, before.handoff.keys.publicKey);
  t.is(run.processes.kernel?.pid, kernel);
  const state = await until(() => read<ChildState[]>(run, 'children')?.find((child) => child.pid === after.pid));
  t.like(state, { restarts: 1, exit: { signal: 'SIGKILL' } });
  t.true(run.lines.some((line) => line.includes('fake ended (SIGKILL)')));
});

test.serial('launcher: a killed kernel comes back alone, with the same server key, and takes the plugins over', async (t) => {
  const { run } = t.context;
  await run.ready;
  const before = await until(() => read(run, 'kernel'));
  const plugin = run.processes.fake?.pid;
  process.kill(before.pid, 'SIGKILL');
  const after = await until(() => {
    const now = read(run, 'kernel');
    return now !== null && now.pid !== before.pid && now;
  });
  t.is(after.handoff.keys.publicKey, before.handoff.keys.publicKey);
  await sleep(200);
  t.is(run.processes.fake?.pid, plugin);
});

test.serial('launcher: a killed forwarder finds its memory as it was', async (t) => {
  const { run } = t.context;
  await run.ready;
  const before = await until(() => read(run, 'forwarder'));
  process.kill(before.pid, 'SIGKILL');
  const after = await until(() => {
    const now = read(run, 'forwarder');
    return now !== null && now.pid !== before.pid && now;
  });
  t.is(after.starts, 2);
  t.deepEqual(
    readdirSync('/dev/shm').filter((name) => /^weft-[0-9a-f-]{36}$/.test(name)),
    [],
  );
});

test.serial('launcher: does what the kernel wants: restart, stop, start', async (t) => {
  const { run } = t.context;
  await run.ready;
  const first = run.processes.fake?.pid;
  order(run, 'kick');
  const second = await until(() => run.processes.fake?.pid !== first && run.processes.fake?.pid);
  t.not(second, first);
  order(run, 'none');
  await until(() => run.processes.fake === undefined);
  order(run, 'run');
  await until(() => run.processes.fake?.pid);
  const state = await until(() => read<ChildState[]>(run, 'children')?.find((child) => child.name === 'fake' && child.pid));
  t.is(state.restarts, 0);
});

test.serial('launcher: a plugin that was restarted on demand keeps its process when the kernel dies and has forgotten it', async (t) => {
  const { run } = t.context;
  await run.ready;
  const first = run.processes.fake?.pid;
  order(run, 'kick');
  const second = await until(() => run.processes.fake?.pid !== first && run.processes.fake?.pid);
  await until(() => read(run, 'plugin')?.pid === second);
  const kernel = await until(() => read(run, 'kernel'));
  process.kill(kernel.pid, 'SIGKILL');
  order(run, 'run');
  await until(() => read(run, 'kernel')?.pid !== kernel.pid && read<ChildState[]>(run, 'children')?.some(({ pid }) => pid === second));
  await sleep(200);
  t.is(run.processes.fake?.pid, second);
  order(run, 'kick');
  await until(() => run.processes.fake?.pid !== second && run.processes.fake?.pid);
  t.pass('and the new kernel can restart it');
});

test.serial('launcher: the forwarder hears which plugins are disabled, also one that hangs, and that one is killed', async (t) => {
  const { run } = t.context;
  await run.ready;
  const plugin = run.processes.fake;
  if (plugin === undefined) return t.fail();
  process.kill(plugin.pid, 'SIGSTOP');
  order(run, 'disable');
  const told = await until(() => {
    const now = read<PeerNews>(run, 'peers');
    return now !== null && now.disabled.length > 0 && now;
  });
  t.deepEqual(told, { type: 'peers', peers: {}, disabled: ['fake'] });
  await until(() => !isAlive(plugin));
  order(run, 'run');
  await until(() => JSON.stringify(read(run, 'peers'))?.includes('"disabled":[]'));
  t.pass();
});

test.serial('launcher: stops everything in order', async (t) => {
  const { run } = t.context;
  await run.ready;
  const pids = Object.values(run.processes);
  t.is(pids.length, 3);
  await run.stop();
  t.deepEqual(pids.filter(isAlive), []);
  t.deepEqual(run.processes, {});
});

test('a lock of the living is respected, one of the dead replaced', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'weft-lock-'));
  const path = join(dir, 'lock');
  t.deepEqual(takeLock(path), { stale: false });
  t.throws(() => takeLock(path), { message: new RegExp(`already running as process ${process.pid}`) });
  writeFileSync(path, JSON.stringify({ pid: process.pid, startTime: '1' }));
  t.is(lockHolder(path), null);
  t.deepEqual(takeLock(path), { stale: true });
  rmSync(dir, { recursive: true });
});

test('a recorded process whose pid is somebody else by now is left alone', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'weft-left-'));
  recordRun(dir, { processes: { other: { pid: process.pid, startTime: '1' } }, linkTag: 'none' });
  t.deepEqual(await cleanRun(dir), { processes: [], links: [] });
  t.truthy(identify(process.pid));
  rmSync(dir, { recursive: true });
});

test('a run directory with other things in it is neither taken nor removed', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'weft-run-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const runDir = join(dir, 'run');
  mkdirSync(join(runDir, 'world'), { recursive: true });
  for (const file of ['precious', 'world/precious.log']) writeFileSync(join(runDir, file), 'keep me');
  const config = join(dir, 'weft.yaml');
  writeFileSync(config, `{ runDir: ${runDir}, stateDir: ${join(dir, 'state')} }`);
  const program = (name: string) =>
    spawnSync(process.execPath, [join(programDir, 'kernel/src/boot', name), '--config', config], { timeout: 20_000 });
  t.is(program('down.ts').status, 0);
  if (root) t.regex(`${program('launcher.ts').stderr}`, /^error: the run directory holds other things \(.*precious\): /m);
  for (const file of ['precious', 'world/precious.log']) t.is(readFileSync(join(runDir, file), 'utf8'), 'keep me');
});

test('each plugin has a uid of its own, whatever its name, and keeps it', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'weft-uids-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const uids = new Uids(dir);
  t.deepEqual(
    ['network', 'constructor', 'network'].map((name) => uids.of(name)),
    [kernelUid + 1, kernelUid + 2, kernelUid + 1],
  );
  t.is(new Uids(dir).of('constructor'), kernelUid + 2);
  t.deepEqual(readdirSync(dir), ['uids.json']);
});

test('places follow the state directory', async (t) => {
  const settings = await readSettings('', 'test');
  t.like(instancePaths({ settings }), { stateDir: '/var/lib/weft', runDir: '/run/weft', apiSocket: '/run/weft/api.sock' });
  const own = instancePaths({ settings, stateDir: '/tmp/x' });
  t.regex(own.runDir, /^\/run\/weft-[0-9a-f]{8}$/);
  t.is(own.apiSocket, '/tmp/x/api.sock');
  t.is(instancePaths({ settings, stateDir: '/tmp/x', api: 'unix:/tmp/y.sock' }).apiSocket, '/tmp/y.sock');
  t.throws(() => instancePaths({ settings, api: 'https://x' }), { message: /no address of a unix socket/ });
});

test.serial('only links with the tag of the run are deleted', (t) => {
  const tag = `t${(process.pid % 1296).toString(36).padStart(2, '0')}`;
  const link = (name: string, verb: string): void =>
    void execFileSync('ip', ['link', verb, name, ...(verb === 'add' ? ['type', 'bridge'] : [])], { stdio: 'ignore' });
  const [ours, other] = [`wf${tag}p7`, `wf${tag}x7`];
  for (const name of [ours, other]) link(name, 'add');
  t.deepEqual(deleteLinks(tag), [ours]);
  t.true(existsSync(`/sys/class/net/${other}`));
  link(other, 'delete');
});

test.serial('of taps, which bear the names of their users, those with the tag as alias are deleted', (t) => {
  const tag = `u${(process.pid % 1296).toString(36).padStart(2, '0')}`;
  const ip = (...words: string[]): void => void execFileSync('ip', words, { stdio: 'ignore' });
  const [ours, user, dummy] = [`wt${tag}a`, `wt${tag}b`, `wt${tag}c`];
  for (const tap of [ours, user]) ip('tuntap', 'add', tap, 'mode', 'tap');
  ip('link', 'add', dummy, 'type', 'bridge');
  for (const name of [ours, dummy]) ip('link', 'set', name, 'alias', `wf${tag}p7`);
  t.deepEqual(deleteLinks(tag), [ours]);
  for (const name of [user, dummy]) ip('link', 'delete', name);
});

test.serial('nftables rules of a crashed run are deleted, and of no other', async (t) => {
  const tag = `u${(process.pid % 1296).toString(36).padStart(2, '0')}`;
  const other = `v${tag.slice(1)}`;
  const nft = (...words: string[]): string => execFileSync('/usr/sbin/nft', words, { encoding: 'utf8' });
  const runDir = mkdtempSync(join(tmpdir(), 'weft-run-'));
  t.teardown(() => rmSync(runDir, { recursive: true }));
  for (const name of [tag, other]) nft('add', 'table', 'inet', `weft_${name}`);
  recordRun(runDir, { processes: {}, linkTag: tag });
  await cleanRun(runDir);
  const left = nft('list', 'tables');
  t.false(left.includes(`weft_${tag}\n`));
  t.true(left.includes(`weft_${other}\n`));
  deleteRules(other);
  t.false(nft('list', 'tables').includes(`weft_${other}\n`));
});
