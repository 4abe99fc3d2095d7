/**
 * The command line that runs a program with no rights, in a world of its own: a file system that holds nothing but what it is given, read-only but
 * for its own folders and a small /tmp; own uid, no capability, none to be gained; no network unless it is given one.
 */
import { type World, worldOf } from './world.ts';

export interface Confinement extends World {
  readonly uid: number;
  /** As the program sees it. */
  readonly cwd: string;
  /** Absent: as many as the launcher may have. */
  readonly openFiles?: number;
  /** Size of the largest file that it may write; absent: any. */
  readonly fileMib?: number;
  /** Threads of its uid on this host; absent: any, or as many as its control group allows. */
  readonly tasks?: number;
  /** Files of the control groups that it joins, cgroup.procs. */
  readonly groups: readonly string[];
}

/**
 * The shell joins the groups, builds the world, then becomes unshare, which becomes setpriv, which becomes the program: one process, whose pid is
 * that of the spawned command. All mounts are made by one mount, as each start of a program costs more than a millisecond.
 */
const script = `set -ef
IFS='
'
root=$1 cwd=$2 uid=$3 groups=$4 mounts=$5 folders=$6 files=$7 open=$8 blocks=$9
shift 9
for group in $groups; do echo $$ > "$group"; done
mount -t tmpfs -o mode=755,size=1m,nosuid,nodev weft "$root"
cd "$root"
mkdir -p $folders
for file in $files; do : > "$file"; done
printf %s "$mounts" > mounts
mount --all --fstab mounts
rm mounts
mount -o remount,ro "$root"
ulimit -c 0
[ -z "$open" ] || ulimit -n "$open"
[ -z "$blocks" ] || ulimit -f "$blocks"
exec unshare --root "$root" --wd "$cwd" /usr/bin/setpriv --reuid "$uid" --regid "$uid" --clear-groups \\
  --inh-caps=-all --ambient-caps=-all --bounding-set=-all --no-new-privs "$@"`;

/** Of `ulimit -f`, 512 bytes each. */
const blocksPerMib = 2_048;

/** Runs `program` with `args`; needs root, and unshare, mount, setpriv and prlimit of util-linux. */
export function confine(how: Confinement, program: string, args: readonly string[]): { command: string; args: string[] } {
  const { mounts, folders, files } = worldOf(how);
  const lines = (list: readonly string[]): string => [...list, ''].join('\n');
  const blocks = how.fileMib === undefined ? '' : `${how.fileMib * blocksPerMib}`;
  const tasks = how.tasks === undefined ? [] : ['/usr/bin/prlimit', `--nproc=${how.tasks}`];
  return {
    command: 'unshare',
    args: [
      ...['--mount', '--propagation', 'private', '--ipc', ...(how.network ? [] : ['--net'])],
      ...['sh', '-c', script, 'weft', how.root, how.cwd, `${how.uid}`, lines(how.groups)],
      ...[lines(mounts), lines(folders), lines(files), `${how.openFiles ?? ''}`, blocks],
      ...[...tasks, program, ...args],
    ],
  };
}
