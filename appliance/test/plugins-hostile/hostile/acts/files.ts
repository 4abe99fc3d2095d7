/** Files of others. */
import { linkSync, mkdirSync, openSync, readdirSync, readFileSync, statfsSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Act, Target } from '../world.ts';

type PathOf = (target: Target, ownDir: string) => string;

const state =
  (...path: string[]): PathOf =>
  ({ stateDir }) =>
    join(stateDir, ...path);
const at =
  (path: string): PathOf =>
  () =>
    path;
const kernelProc =
  (file: string): PathOf =>
  ({ pids }) =>
    `/proc/${pids.kernel}/${file}`;

const reads: readonly (readonly [string, PathOf])[] = [
  ['store', state('store/data.mdb')],
  ['secret-key', state('secret.key')],
  ['uids', state('uids.json')],
  ['log-of-kernel', state('log/kernel.log')],
  ['audit-log', state('log/audit.log')],
  ['settings', state('settings.yaml')],
  ['launcher-record', ({ runDir }) => join(runDir, 'launcher.json')],
  ['shadow', at('/etc/shadow')],
  ['init-environment', at('/proc/1/environ')],
  ['kernel-environment', kernelProc('environ')],
  ['kernel-memory', kernelProc('mem')],
  ['kernel-root', kernelProc('root/etc/shadow')],
  ['kernel-descriptor', kernelProc('fd/3')],
  ['physical-memory', at('/dev/mem')],
  ['kernel-image', at('/proc/kcore')],
];

const lists: readonly (readonly [string, PathOf])[] = [
  ['state-folder', state('')],
  ['state-of-another', state('plugins/dns')],
  ['root-home', at('/root')],
];

const writes: readonly (readonly [string, PathOf])[] = [
  ['etc', at('/etc/weft-evil')],
  ['usr', at('/usr/bin/weft-evil')],
  ['var-tmp', at('/var/tmp/weft-evil')],
  ['run', ({ runDir }) => join(runDir, 'weft-evil')],
  ['log-of-another', state('log/dns.log')],
  ['program-folder', () => new URL('evil.ts', import.meta.resolve('@weft/kernel/sdk')).pathname],
  ['own-program', () => new URL('../evil.ts', import.meta.url).pathname],
  ['packages', () => new URL('../../../node_modules/evil.js', import.meta.resolve('@weft/kernel/sdk')).pathname],
  ['compile-cache', () => new URL('../../node_modules/.weft-cache/evil', import.meta.resolve('@weft/kernel/sdk')).pathname],
  ['core-pattern', at('/proc/sys/kernel/core_pattern')],
  ['sysrq', at('/proc/sysrq-trigger')],
  ['kernel-oom-score', kernelProc('oom_score_adj')],
  ['control-group', at('/sys/fs/cgroup/weft-evil')],
];

function through(make: (path: string, own: string) => void, path: string, own: string): string {
  make(path, own);
  return `${readFileSync(own).length} bytes`;
}

export const fileActs: readonly Act[] = [
  ...reads.map(
    ([name, path]) =>
      ({ name: `read-${name}`, run: (world, target) => `${read(path(target, world.context.stateDir))} bytes` }) satisfies Act,
  ),
  ...lists.map(
    ([name, path]) =>
      ({ name: `look-into-${name}`, run: (world, target) => readdirSync(path(target, world.context.stateDir)).join(' ') }) satisfies Act,
  ),
  ...writes.map(
    ([name, path]) =>
      ({ name: `write-${name}`, run: (world, target) => writeFileSync(path(target, world.context.stateDir), 'evil') }) satisfies Act,
  ),
  {
    name: 'symlink-out-of-own-folder',
    run: ({ context }, { stateDir }) => through(symlinkSync, join(stateDir, 'secret.key'), join(context.stateDir, `link${Date.now()}`)),
  },
  {
    name: 'hard-link-into-own-folder',
    run: ({ context }) => through(linkSync, '/etc/shadow', join(context.stateDir, `hard${Date.now()}`)),
  },
  { name: 'climb-out-of-own-folder', run: ({ context }) => readdirSync(join(context.stateDir, '../../../../../../root')).join(' ') },
  { name: 'make-folder-of-another', run: (_, { stateDir }) => mkdirSync(join(stateDir, 'plugins/evil')) },
  {
    name: 'host-tmp',
    run: () => {
      const seen = readdirSync('/tmp').filter((name) => name.startsWith('weft-'));
      if (seen.length === 0 && statfsSync('/tmp').blocks * statfsSync('/tmp').bsize < 1 << 30) throw new Error('/tmp is small and its own');
      return `sees ${seen.join(' ')}`;
    },
  },
];

/** Of devices and pseudo files the first byte tells. */
function read(path: string): number {
  openSync(path, 'r');
  return readFileSync(path, { encoding: 'latin1' }).length;
}
