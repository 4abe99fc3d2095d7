import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { limitsOf } from '../../contract/system/index.ts';
import { ControlGroups, type Controller, controllers, groupName } from './control-groups.ts';

const limits = { ...limitsOf({}), memoryMib: 100, cpuPercent: 150, tasks: 20 };

/** A folder that stands for the file systems of control groups, and one for /proc/self. Hierarchies: name and what it is mounted with. */
class Machine {
  readonly dir: string;
  readonly proc: string;

  constructor(t: ExecutionContext, hierarchies: readonly { path: string; version: 1 | 2; controllers: string; own: string }[]) {
    this.dir = mkdtempSync(join(tmpdir(), 'weft-groups-'));
    t.teardown(() => rmSync(this.dir, { recursive: true }));
    this.proc = join(this.dir, 'proc');
    mkdirSync(this.proc);
    const mounts = hierarchies.map(({ path, version, controllers: names }, index) => {
      const options = version === 1 ? `rw,${names}` : 'rw';
      return `${30 + index} 24 0:${index} / ${this.path(path)} rw shared:9 - ${version === 1 ? 'cgroup' : 'cgroup2'} cgroup ${options}`;
    });
    const own = hierarchies.map(
      ({ version, controllers: names, own: path }, index) => `${version === 1 ? `${index + 1}:${names}` : '0:'}:${path}`,
    );
    for (const { path, version, controllers: names, own: group } of hierarchies) {
      mkdirSync(join(this.path(path), group), { recursive: true });
      if (version === 2) writeFileSync(join(this.path(path), 'cgroup.controllers'), `${names.replaceAll(',', ' ')}\n`);
    }
    writeFileSync(join(this.proc, 'mountinfo'), ['22 1 254:0 / / rw - ext4 /dev/vda rw', ...mounts, ''].join('\n'));
    writeFileSync(join(this.proc, 'cgroup'), [...own, ''].join('\n'));
  }

  path(...parts: string[]): string {
    return join(this.dir, ...parts);
  }

  read(...parts: string[]): string {
    return readFileSync(this.path(...parts), 'utf8').trim();
  }

  groups(): ControlGroups {
    return new ControlGroups('weft-1234', this.proc);
  }
}

const had = (groups: ControlGroups): Controller[] => controllers.filter((controller) => groups.has(controller));

test('version 1: one group in each hierarchy, with its limit', (t) => {
  const machine = new Machine(t, [
    { path: 'memory', version: 1, controllers: 'memory', own: '/' },
    { path: 'cpu,cpuacct', version: 1, controllers: 'cpu,cpuacct', own: '/' },
    { path: 'pids', version: 1, controllers: 'pids', own: '/' },
    { path: 'unified', version: 2, controllers: '', own: '/' },
  ]);
  const groups = machine.groups();
  t.deepEqual(had(groups), ['memory', 'cpu', 'pids']);
  t.deepEqual(
    groups.make('dns', limits),
    ['memory', 'cpu,cpuacct', 'pids'].map((path) => machine.path(path, 'weft-1234/dns/cgroup.procs')),
  );
  t.is(machine.read('memory/weft-1234/dns/memory.limit_in_bytes'), `${100 * 1024 * 1024}`);
  t.is(machine.read('cpu,cpuacct/weft-1234/dns/cpu.cfs_quota_us'), '150000');
  t.is(machine.read('pids/weft-1234/dns/pids.max'), '20');
});

test('version 2: one group, controllers passed on from the top', (t) => {
  const machine = new Machine(t, [{ path: 'unified', version: 2, controllers: 'cpuset,cpu,io,memory,pids', own: '/' }]);
  const groups = machine.groups();
  t.deepEqual(groups.make('dns', limits), [machine.path('unified/weft-1234/dns/cgroup.procs')]);
  t.regex(machine.read('unified/cgroup.subtree_control'), /^\+\w+$/);
  t.regex(machine.read('unified/weft-1234/cgroup.subtree_control'), /^\+\w+$/);
  const group = 'unified/weft-1234/dns';
  t.is(machine.read(group, 'memory.max'), `${100 * 1024 * 1024}`);
  t.is(machine.read(group, 'memory.swap.max'), '0');
  t.is(machine.read(group, 'cpu.max'), '150000 100000');
  t.is(machine.read(group, 'pids.max'), '20');
});

test('version 2 below its own unit: the launcher moves to a leaf, so that the unit may pass controllers on', async (t) => {
  const own = '/weft.slice/weft.service';
  const machine = new Machine(t, [{ path: 'unified', version: 2, controllers: 'cpu,memory,pids', own }]);
  const groups = machine.groups();
  t.deepEqual(had(groups), ['memory', 'cpu', 'pids']);
  t.is(machine.read('unified', own, 'launcher/cgroup.procs'), `${process.pid}`);
  t.deepEqual(groups.make('dns', limits), [machine.path('unified', own, 'dns/cgroup.procs')]);
  t.false(existsSync(machine.path('unified/weft-1234')));
  await groups.close();
  t.true(existsSync(machine.path('unified', own)), "the unit's group is systemd's");
});

test('a group of somebody else is left alone, and its controllers are not there', (t) => {
  const machine = new Machine(t, [
    { path: 'memory', version: 1, controllers: 'memory', own: '/user.slice/session-3.scope' },
    { path: 'pids', version: 1, controllers: 'pids', own: '/' },
  ]);
  const groups = machine.groups();
  t.deepEqual(had(groups), ['pids']);
  groups.make('dns', limits);
  t.false(existsSync(machine.path('memory/weft-1234')));
  t.false(existsSync(machine.path('memory/user.slice/session-3.scope/dns')));
});

test('what cannot be written to is not there', (t) => {
  const machine = new Machine(t, [{ path: 'pids', version: 1, controllers: 'pids', own: '/' }]);
  rmdirSync(machine.path('pids'));
  writeFileSync(machine.path('pids'), 'no folder');
  t.deepEqual(had(machine.groups()), []);
  t.deepEqual(machine.groups().make('dns', limits), []);
});

for (const [what, version, file, text, overrun] of [
  ['memory, version 1', 1, 'memory.oom_control', 'oom_kill_disable 0\nunder_oom 0\noom_kill 1\n', 'memory'],
  ['memory, version 2', 2, 'memory.events', 'low 0\nhigh 0\nmax 9\noom 1\noom_kill 2\n', 'memory'],
  ['tasks, version 2', 2, 'pids.events', 'max 7\n', 'tasks'],
  ['nothing', 2, 'memory.events', 'low 0\nhigh 0\nmax 9\noom 0\noom_kill 0\n', undefined],
] as const)
  test(`it knows what a child ran against: ${what}`, (t) => {
    const machine = new Machine(t, [{ path: 'all', version, controllers: 'memory,pids', own: '/' }]);
    const groups = machine.groups();
    groups.make('dns', limits);
    t.is(groups.overrun('dns'), undefined);
    writeFileSync(machine.path('all/weft-1234/dns', file), text);
    t.is(groups.overrun('dns'), overrun);
  });

test('a former run leaves nothing, and what the groups are made in stays until the end', async (t) => {
  const machine = new Machine(t, [{ path: 'pids', version: 1, controllers: 'pids', own: '/' }]);
  mkdirSync(machine.path('pids/weft-1234/gone'), { recursive: true });
  const groups = machine.groups();
  await groups.empty();
  t.deepEqual(readdirSync(machine.path('pids/weft-1234')), []);
  await groups.close();
  t.false(existsSync(machine.path('pids/weft-1234')));
});

test('groups of instances that crashed for good go, unless somebody lives there', (t) => {
  const machine = new Machine(t, [{ path: 'pids', version: 1, controllers: 'pids', own: '/' }]);
  for (const group of ['weft-0000dead/dns', 'weft-0000beef/dns', 'weft-0000cafe/dns', 'docker/dns'])
    mkdirSync(machine.path('pids', group), { recursive: true });
  writeFileSync(machine.path('pids/weft-0000beef/dns/cgroup.procs'), '999999999\n');
  machine.groups().removeDead((name) => name === 'weft-0000cafe');
  t.deepEqual(readdirSync(machine.path('pids')).sort(), ['docker', 'weft-0000beef', 'weft-0000cafe', 'weft-1234']);
});

test('a run directory of any other name does not lead to the group of somebody else', (t) => {
  t.is(groupName('/run/weft-0123abcd'), 'weft-0123abcd');
  t.regex(groupName('/run/docker'), /^weft-dir-[0-9a-f]{8}$/);
  t.not(groupName('/srv/a/run'), groupName('/srv/b/run'));
  t.not(groupName('/srv/weft'), groupName('/run/weft'));
});

test('a controller that cannot be had does not take the place of another away', (t) => {
  const machine = new Machine(t, [
    { path: 'all', version: 1, controllers: 'memory', own: '/' },
    { path: 'all', version: 2, controllers: 'cpu', own: '/' },
  ]);
  mkdirSync(machine.path('all/cgroup.subtree_control'));
  t.deepEqual(had(machine.groups()), ['memory']);
  t.true(existsSync(machine.path('all/weft-1234')));
});

test('a limit that cannot be set leaves no group to join', (t) => {
  const machine = new Machine(t, [{ path: 'pids', version: 1, controllers: 'pids', own: '/' }]);
  const groups = machine.groups();
  mkdirSync(machine.path('pids/weft-1234/dns/pids.max'), { recursive: true });
  const [joined = ''] = groups.make('dns', limits);
  t.false(existsSync(joined));
});

test('what is left in the groups of a child is killed with them', async (t) => {
  const machine = new Machine(t, [{ path: 'pids', version: 1, controllers: 'pids', own: '/' }]);
  const groups = machine.groups();
  const [joined = ''] = groups.make('dns', limits);
  const stray = spawn('sleep', ['60']);
  writeFileSync(joined, `${stray.pid}\n`);
  t.deepEqual(groups.processes('dns'), [stray.pid ?? 0]);
  groups.remove('dns');
  t.deepEqual(await once(stray, 'exit'), [null, 'SIGKILL']);
});
