/**
 * The command line that runs a program with no rights: own uid, no capability, none to be gained, and a private mount namespace in which the given
 * folders appear at paths that the uid can reach, wherever they really are.
 */

export interface Bind {
  readonly from: string;
  /** An existing folder. */
  readonly to: string;
  readonly writable: boolean;
}

export interface Confinement {
  readonly uid: number;
  readonly binds: readonly Bind[];
  /** As the program sees it. */
  readonly cwd: string;
}

/** The shell mounts, then becomes setpriv, which becomes the program: one process, whose pid is that of the spawned command. */
const script = `set -e
cwd=$1 uid=$2 count=$3
shift 3
while [ "$count" -gt 0 ]; do
  mount --bind "$1" "$2"
  [ "$3" = rw ] || mount -o remount,ro,bind "$2"
  shift 3
  count=$((count - 1))
done
cd "$cwd"
exec setpriv --reuid "$uid" --regid "$uid" --clear-groups --inh-caps=-all --ambient-caps=-all --bounding-set=-all --no-new-privs "$@"`;

/** Runs `program` with `args`; needs root, util-linux's unshare, mount and setpriv. */
export function confine({ uid, binds, cwd }: Confinement, program: string, args: readonly string[]): { command: string; args: string[] } {
  const mounts = binds.flatMap(({ from, to, writable }) => [from, to, writable ? 'rw' : 'ro']);
  return {
    command: 'unshare',
    args: [
      '--mount',
      '--propagation',
      'private',
      'sh',
      '-c',
      script,
      'weft',
      cwd,
      `${uid}`,
      `${binds.length}`,
      ...mounts,
      program,
      ...args,
    ],
  };
}
