/**
 * A virtual machine that is a network namespace, with mounts and a hostname of its own: /etc is an overlay, /run and the folders of
 * DHCP clients are empty, so that clients of several machines do not write into each other's files. A sleeping process, the holder,
 * keeps mounts and hostname alive; everything that runs in the machine is found by its network namespace.
 */
import { spawn } from 'node:child_process';
import { readlinkSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { LabFailure } from './failure.ts';
import { ip, ipProgram, run } from './program.ts';
import type { VmRecord } from './record.ts';

export interface NewMachine {
  readonly name: string;
  readonly hostname: string;
  /** Text of its first /etc/resolv.conf. */
  readonly resolvConf: string;
}

const termMs = 1_000;

const setUp = `set -e
hostname "$1"
for folder in /var/lib/dhcp /var/lib/dhcpcd; do
  [ -d "$folder" ] || continue
  mount -t tmpfs -o "mode=$(stat -c %a "$folder"),uid=$(stat -c %u "$folder"),gid=$(stat -c %g "$folder")" tmpfs "$folder"
done
mount -t tmpfs -o mode=0755 tmpfs /run
mkdir -p /run/.etc/upper /run/.etc/work /run/lock
mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/.etc/upper,workdir=/run/.etc/work /etc
rm -f /etc/resolv.conf
printf '%s' "$2" > /etc/resolv.conf
printf '%s\\n' "$1" > /etc/hostname
printf '127.0.0.1 localhost\\n::1 localhost\\n' > /etc/hosts
echo ready
exec sleep infinity < /dev/null > /dev/null 2>&1`;

/** Makes the namespace and starts the holder; resolves with the holder's pid once the machine is set up. */
export async function makeMachine(machine: NewMachine, namespace: string): Promise<number> {
  await ip('netns', 'add', namespace);
  await ip('-n', namespace, 'link', 'set', 'lo', 'up');
  const args = ['netns', 'exec', namespace, 'unshare', '--mount', '--uts', 'sh', '-c', setUp, 'sh', machine.hostname, machine.resolvConf];
  const child = spawn(ipProgram, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let said = '';
  await new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => {
      said += String(chunk);
    });
    child.stdout.once('data', () => resolve());
    child.once('error', reject);
    child.once('close', () =>
      reject(new LabFailure(`the machine could not be set up: ${said.trim()}`, machine.name, 'run it as root, on a kernel with overlayfs')),
    );
  });
  child.stdout.destroy();
  child.stderr.destroy();
  child.unref();
  return child.pid ?? 0;
}

/** Program and arguments that run a command inside the machine, in the same process, with the usual signals. */
export function inMachine(vm: VmRecord, command: readonly string[]): [string, ...string[]] {
  if (vm.holder === null || !isIn(vm.holder, vm.namespace))
    throw new LabFailure('the machine does not run', vm.name, 'make the lab anew: weft lab down, then weft lab up');
  const enter = ['--target', String(vm.holder), '--mount', '--uts', '--net', `--wdns=${process.cwd()}`];
  return ['nsenter', ...enter, 'env', '--default-signal', ...command];
}

/** Whether a process lives in a namespace: a pid alone may have become another process's. */
function isIn(pid: number, namespace: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`) === `net:[${statSync(`/run/netns/${namespace}`).ino}]`;
  } catch {
    return false;
  }
}

/** Ends every process of the machine. */
export async function endProcesses(namespace: string): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const until = Date.now() + termMs;
    for (const pid of await processesIn(namespace)) kill(pid, signal);
    while (Date.now() < until && (await processesIn(namespace)).length > 0) await sleep(50);
  }
}

/** Ends every process of the machine and removes its namespace; nothing happens when it is gone already. */
export async function removeMachine(namespace: string): Promise<void> {
  await endProcesses(namespace);
  await run(ipProgram, ['netns', 'delete', namespace]);
}

async function processesIn(namespace: string): Promise<number[]> {
  const { stdout } = await run(ipProgram, ['netns', 'pids', namespace]);
  return stdout.split('\n').filter(Boolean).map(Number);
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself.
  }
}
