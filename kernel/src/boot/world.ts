/** What a confined program sees of the file system, as mounts of mount(8). What is not named here does not exist for it: no shell, no foreign socket. */
import { realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

export interface Bind {
  readonly from: string;
  /** As the program sees it; need not exist outside. */
  readonly to: string;
  readonly writable?: boolean;
}

export interface World {
  /** An empty folder to build it on; many may share it, each sees its own. */
  readonly root: string;
  /** Beside what every program needs. One within another comes after it. */
  readonly binds: readonly Bind[];
  /** The host's network, and its ways to find names; without it there is not even a loopback. */
  readonly network: boolean;
  /** Sees processes of others. */
  readonly seesProcesses: boolean;
  readonly tmpMib: number;
}

interface Mounts {
  /** Lines of fstab(5). */
  readonly mounts: readonly string[];
  /** To be made in `root` first, relative to it; so are `files`, empty. Folders that are bound are made by mount(8). */
  readonly folders: readonly string[];
  readonly files: readonly string[];
}

const same = (path: string): Bind => ({ from: path, to: path });
/** Programs are linked with these. */
const libraries = ['/lib', '/lib64', '/usr/lib', '/usr/lib64'].map(same);
const devices = ['null', 'zero', 'full', 'random', 'urandom'].map((name) => same(`/dev/${name}`));
/** What a program is started with; of no use to one that has no rights. */
const starters = ['setpriv', 'prlimit'].map((name) => same(`/usr/bin/${name}`));
const linkerCache = same('/etc/ld.so.cache');
const resolverFile = '/etc/resolv.conf';

export function worldOf({ root, binds, network, seesProcesses, tmpMib }: World): Mounts {
  const outside = network ? nameService() : [linkerCache];
  const all = [...libraries, ...devices, ...starters, ...outside, ...binds].flatMap((bind) => {
    const stat = statSync(bind.from, { throwIfNoEntry: false });
    return stat === undefined ? [] : [{ ...bind, isFolder: stat.isDirectory() }];
  });
  const line = (source: string, to: string, type: string, options: string): string =>
    [source, root + to, type, `${options},nosuid`].map(escaped).join(' ').concat(' 0 0');
  return {
    mounts: [
      // First: what is bound may lie in it.
      line('tmpfs', '/tmp', 'tmpfs', `nodev,noexec,mode=1777,size=${tmpMib}m`),
      ...all.map(({ from, to, writable, isFolder }) =>
        line(from, to, 'none', bindOptions(from, writable) + (isFolder ? ',X-mount.mkdir' : '')),
      ),
      line('proc', '/proc', 'proc', `ro,nodev,noexec,${seesProcesses ? 'hidepid=off' : 'subset=pid,hidepid=invisible'}`),
    ],
    folders: ['proc', 'tmp', ...all.flatMap(({ to, isFolder }) => (isFolder ? [] : [relative(dirname(to))]))],
    files: all.flatMap(({ to, isFolder }) => (isFolder ? [] : [relative(to)])),
  };
}

function bindOptions(from: string, writable = false): string {
  if (from.startsWith('/dev/')) return 'bind,noexec';
  return writable ? 'bind,nodev,noexec' : 'bind,ro,nodev';
}

/** The whole of /etc: its files are replaced by others of the same name, which a mount of one would not see. */
function nameService(): Bind[] {
  const elsewhere = dirname(realIfThere(resolverFile));
  return [same('/etc'), ...(elsewhere === '/etc' ? [] : [same(elsewhere)])];
}

function realIfThere(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // No name server is configured.
    return path;
  }
}

function relative(path: string): string {
  return path.slice(1);
}

/** Of fstab(5). */
function escaped(field: string): string {
  return field.replace(/[\s\\#]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`);
}
