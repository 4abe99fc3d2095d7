/**
 * Control groups for children, of version 2 or 1, whichever has the controller. Groups are made where the launcher is by itself: at the top of a
 * hierarchy, or below a unit of its own (weft*.service or .scope, delegated by systemd). A group of any other name belongs to whoever put the
 * launcher there, and is left alone; then there are no groups for that controller.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Limits } from '../../contract/system/index.ts';

export const controllers = ['memory', 'cpu', 'pids'] as const;
export type Controller = (typeof controllers)[number];

interface Place {
  readonly version: 1 | 2;
  /** Folder of the launcher's group; its children's groups are made in it. */
  readonly folder: string;
}

/** Which limit it was that a group stood in the way of. */
export type Overrun = 'memory' | 'tasks';

const mib = 1024 * 1024;
const periodUs = 100_000;
const removalTries = 40;
const removalPauseMs = 25;
const ownUnit = /^weft[^/]*\.(service|scope)$/;
/** Leaf for the launcher itself: a group of version 2 with controllers for its children holds no process. */
const launcherGroup = 'launcher';

const ownRunDir = /^weft(-[0-9a-f]{8})?$/;

/** Of an instance's group: the name of its run directory where Weft has chosen that, as any other may be the name of somebody else's group. */
export function groupName(runDir: string): string {
  const name = basename(runDir);
  if (dirname(runDir) === '/run' && ownRunDir.test(name)) return name;
  return `weft-dir-${createHash('sha256').update(runDir).digest('hex').slice(0, 8)}`;
}

export class ControlGroups {
  readonly #places: ReadonlyMap<Controller, Place>;
  readonly #name: string;

  /**
   * @param name of the folder at the top of a hierarchy: one for each instance of Weft
   * @param proc folder that stands for /proc/self
   */
  constructor(name: string, proc = '/proc/self') {
    this.#name = name;
    this.#places = new Map(controllers.flatMap((controller) => placeFor(controller, name, proc).map((place) => [controller, place])));
  }

  has(controller: Controller): boolean {
    return this.#places.has(controller);
  }

  /** Makes the groups of a child anew; returns the files that a process joins them by. */
  make(child: string, limits: Limits): string[] {
    this.remove(child);
    const groups = [...this.#places].map(([controller, { version, folder }]) => {
      const group = join(folder, child);
      try {
        mkdirSync(group, { recursive: true });
        for (const [file, value] of settings(controller, version, limits)) writeFileSync(join(group, file), value);
      } catch {
        // Who is to join it fails, and says so in its log: better than to run without the limit.
        removeGroup(group);
      }
      return join(group, 'cgroup.procs');
    });
    return [...new Set(groups)];
  }

  /** Processes of a child; none when there are no groups. */
  processes(child: string): number[] {
    const [place] = this.#places.values();
    return place === undefined ? [] : processesIn(join(place.folder, child));
  }

  /** What a child ran against since its groups were made. */
  overrun(child: string): Overrun | undefined {
    if (this.#count('memory', child, { 1: 'memory.oom_control', 2: 'memory.events' }, 'oom_kill') > 0) return 'memory';
    if (this.#count('pids', child, { 1: 'pids.events', 2: 'pids.events' }, 'max') > 0) return 'tasks';
    return undefined;
  }

  /** Kills what is left in a child's groups, and removes them as soon as that is gone. */
  remove(child: string): void {
    for (const { folder } of this.#places.values()) removeGroup(join(folder, child));
  }

  /** Removes the groups of all children, also those that a former run left. */
  async empty(): Promise<void> {
    await removeAll([...this.#places.values()].flatMap(({ folder }) => childrenIn(folder)));
  }

  /** Removes the groups of instances that crashed and never came back. Those that still hold processes stay: they are not ours to end. */
  removeDead(isLive: (name: string) => boolean): void {
    for (const { folder } of this.#places.values()) {
      if (basename(folder) !== this.#name) continue;
      const others = childrenIn(dirname(folder)).filter((path) => ownRunDir.test(basename(path)) && path !== folder);
      for (const other of others)
        if (!isLive(basename(other)) && [other, ...childrenIn(other)].every(isEmpty))
          for (const group of [...childrenIn(other), other]) removeGroup(group);
    }
  }

  /** Removes everything that was made. */
  async close(): Promise<void> {
    await this.empty();
    await removeAll([...this.#places.values()].flatMap(({ folder }) => (ownUnit.test(basename(folder)) ? [] : [folder])));
  }

  #count(controller: Controller, child: string, files: Readonly<Record<1 | 2, string>>, key: string): number {
    const place = this.#places.get(controller);
    if (place === undefined) return 0;
    const text = readIfThere(join(place.folder, child, files[place.version]));
    return Number(new RegExp(`^${key} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
  }
}

function settings(controller: Controller, version: 1 | 2, { memoryMib, cpuPercent, tasks }: Limits): [file: string, value: string][] {
  const bytes = `${memoryMib * mib}`;
  const quota = `${(cpuPercent / 100) * periodUs}`;
  if (controller === 'pids') return [['pids.max', `${tasks}`]];
  if (version === 1) {
    return controller === 'memory' ? [['memory.limit_in_bytes', bytes]] : [['cpu.cfs_quota_us', quota]];
  }
  return controller === 'memory'
    ? [
        ['memory.max', bytes],
        ['memory.swap.max', '0'],
      ]
    : [['cpu.max', `${quota} ${periodUs}`]];
}

/** Where groups with this controller can be made; empty when nowhere. */
function placeFor(controller: Controller, name: string, proc: string): Place[] {
  const mounts = readIfThere(join(proc, 'mountinfo')).split('\n').map(mountOf);
  const own = readIfThere(join(proc, 'cgroup')).split('\n');
  const v1 = mounts.find((mount) => mount?.type === 'cgroup' && mount.options.includes(controller));
  const v2 = mounts.find((mount) => mount?.type === 'cgroup2' && wordsOf(join(mount.path, 'cgroup.controllers')).includes(controller));
  const version = v1 === undefined ? 2 : 1;
  const mount = v1 ?? v2;
  const path = own
    .map((line) => line.split(':'))
    .find(([, names]) => (version === 1 ? names?.split(',').includes(controller) : names === ''));
  const group = path?.slice(2).join(':');
  if (mount === undefined || group === undefined) return [];
  const alone = ownUnit.test(basename(group));
  if (group !== '/' && !alone) return [];
  const folder = alone ? join(mount.path, group) : join(mount.path, name);
  const isShared = existsSync(folder);
  try {
    mkdirSync(folder, { recursive: true });
    if (version === 2) passOn(controller, folder, alone, mount.path);
    return [{ version, folder }];
  } catch {
    // Not to be written to, as in a container: the limits are enforced by other means, and that is said.
    // Another controller may have its place there.
    if (!isShared) removeGroup(folder);
    return [];
  }
}

/** Version 2: a controller reaches the groups below when each group on the way passes it on. */
function passOn(controller: Controller, folder: string, alone: boolean, top: string): void {
  if (alone) {
    const leaf = join(folder, launcherGroup);
    mkdirSync(leaf, { recursive: true });
    // Whatever started the launcher is there, too.
    for (const pid of new Set([...wordsOf(join(folder, 'cgroup.procs')), `${process.pid}`])) writeFileSync(join(leaf, 'cgroup.procs'), pid);
  } else writeFileSync(join(top, 'cgroup.subtree_control'), `+${controller}`);
  writeFileSync(join(folder, 'cgroup.subtree_control'), `+${controller}`);
}

/** A line of proc_pid_mountinfo(5): fields of the mount, some optional ones, a hyphen, type, source, options of the file system. */
function mountOf(line: string): { path: string; type: string; options: readonly string[] } | undefined {
  const [mount = '', system] = line.split(' - ');
  if (system === undefined) return undefined;
  const [type = '', , options = ''] = system.split(' ');
  return { path: mount.split(' ')[4] ?? '', type, options: options.split(',') };
}

/** One of another pid namespace shows as 0, which kill(2) takes for ourselves. */
function processesIn(group: string): number[] {
  return wordsOf(join(group, 'cgroup.procs'))
    .map(Number)
    .filter((pid) => pid > 0);
}

function isEmpty(group: string): boolean {
  return wordsOf(join(group, 'cgroup.procs')).length === 0;
}

function removeGroup(group: string): void {
  for (const pid of processesIn(group)) kill(pid);
  try {
    rmdirSync(group);
  } catch {
    // Not there, or the killed are not gone yet: then it is removed with the next start or the end.
  }
}

/** Killed processes take a moment to leave their groups. */
async function removeAll(groups: readonly string[]): Promise<void> {
  for (let tries = 0; tries < removalTries && groups.some(existsSync); tries++) {
    if (tries > 0) await sleep(removalPauseMs);
    for (const group of groups.filter(existsSync)) removeGroup(group);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown;
  }
}

function childrenIn(folder: string): string[] {
  const entries = existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : [];
  return entries.flatMap((entry) => (entry.isDirectory() && entry.name !== launcherGroup ? [join(folder, entry.name)] : []));
}

function wordsOf(file: string): string[] {
  return readIfThere(file)
    .split(/\s+/)
    .filter((word) => word !== '');
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
