import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Confinement, confine } from './confine.ts';

const uid = 64_321;

interface Sight {
  readonly root: string[];
  readonly status: string;
  readonly limits: string;
  readonly processes: string[];
  readonly mounts: string;
  readonly wrote: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** Runs in the world: tells what it sees, and what becomes of writing to each path that it was given. */
const look = `const fs = require('fs'); const wrote = {};
for (const path of process.argv.slice(1)) try { fs.writeFileSync(path, 'x'); wrote[path] = 'done'; } catch (e) { wrote[path] = e.code; }
console.log(JSON.stringify({ root: fs.readdirSync('/'), status: fs.readFileSync('/proc/self/status', 'utf8'),
  limits: fs.readFileSync('/proc/self/limits', 'utf8'), processes: fs.readdirSync('/proc').filter((name) => /^\\d+$/.test(name)),
  mounts: fs.readFileSync('/proc/self/mountinfo', 'utf8'), wrote, cwd: process.cwd() }));`;

function enter(t: ExecutionContext, paths: readonly string[], how: Partial<Confinement> = {}): Sight {
  // Below a folder that no other uid may enter, as a clone in /root is.
  const dir = mkdtempSync(join(tmpdir(), 'weft confine-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  for (const name of ['world', 'own', 'other']) mkdirSync(join(dir, name));
  chmodSync(join(dir, 'own'), 0o777);
  chmodSync(join(dir, 'other'), 0o777);
  writeFileSync(join(dir, 'other/file'), 'readable');
  const world = mkdtempSync('/run/weft-confine-');
  t.teardown(() => rmSync(world, { recursive: true }));
  const binds = [
    { from: process.execPath, to: '/run/node' },
    { from: join(dir, 'own'), to: '/run/own', writable: true },
    { from: join(dir, 'other'), to: '/tmp/other' },
  ];
  const base = { uid, root: world, binds, cwd: '/run/own', network: false, seesProcesses: false, tmpMib: 1, groups: [] };
  const { command, args } = confine({ ...base, ...how }, '/run/node', ['-e', look, ...paths]);
  // As a launcher whose user is in a group.
  const { stdout, stderr } = spawnSync('setpriv', ['--groups', '4242', command, ...args], { encoding: 'utf8' });
  if (paths.includes('/run/own/x')) t.is(statSync(join(dir, 'own/x')).uid, uid);
  t.is(stderr, '');
  return JSON.parse(stdout) as Sight;
}

test('the world holds what it was given, and only its own folder and /tmp can be written to', (t) => {
  const places = {
    '/run/own/x': 'done',
    '/tmp/x': 'done',
    '/x': 'EROFS',
    '/etc/x': 'EROFS',
    '/usr/lib/x': 'EROFS',
    '/tmp/other/x': 'EROFS',
  };
  const { root, wrote, cwd } = enter(t, Object.keys(places));
  t.deepEqual(root.sort(), ['dev', 'etc', 'lib', 'lib64', 'proc', 'run', 'tmp', 'usr']);
  t.deepEqual(wrote, places);
  t.is(cwd, '/run/own');
});

test('no right is left, none can be gained, and nothing written can be run', (t) => {
  const { status, mounts } = enter(t, []);
  for (const set of ['CapEff', 'CapPrm', 'CapInh', 'CapBnd', 'CapAmb']) t.regex(status, new RegExp(`^${set}:\t0+$`, 'm'));
  t.regex(status, /^NoNewPrivs:\t1$/m);
  t.regex(status, new RegExp(`^Uid:\t${uid}\t${uid}\t${uid}\t`, 'm'));
  t.regex(status, /^Groups:\t\s*$/m);
  for (const place of ['/run/own', '/tmp']) t.regex(mounts, new RegExp(` ${place} rw,nosuid,nodev,noexec`));
});

test('it sees its own processes, or all', (t) => {
  t.is(enter(t, []).processes.length, 1);
  t.true(enter(t, [], { seesProcesses: true }).processes.length > 3);
});

test('limits of files, their size and threads are set', (t) => {
  const { limits } = enter(t, [], { openFiles: 100, fileMib: 3, tasks: 30 });
  t.regex(limits, /^Max open files +100 +100 /m);
  t.regex(limits, /^Max file size +3145728 +3145728 /m);
  t.regex(limits, /^Max processes +30 +30 /m);
  t.regex(limits, /^Max core file size +0 +0 /m);
});

test('with the network it finds names, too', (t) => {
  const names = (sight: Sight): boolean => / \/etc ro,/m.test(sight.mounts);
  t.false(names(enter(t, [])));
  t.true(names(enter(t, [], { network: true })));
});

test('nothing of it is mounted outside', (t) => {
  enter(t, []);
  t.notRegex(readFileSync('/proc/self/mountinfo', 'utf8'), /weft-confine-/);
});
