/** Programs, rights and other processes. */
import { execFileSync, fork, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Act, requireFromSdk, type World } from '../world.ts';

const mountNamespace = 0x2_0000;
const attach = 16;

function killed(pid: number | undefined): string {
  if (pid === undefined) throw new Error('it does not know the pid');
  process.kill(pid, 'SIGKILL');
  return `killed ${pid}`;
}

/** The binding that child_process itself is made of. */
function spawnBinding(): unknown {
  const { binding } = process as unknown as { binding(name: string): { spawn(options: object): { error?: number; pid?: number } } };
  const done = binding('spawn_sync').spawn({
    file: '/bin/true',
    args: ['true'],
    envPairs: [],
    stdio: [{ type: 'inherit' }, { type: 'inherit' }, { type: 'inherit' }],
  });
  if (done.error !== undefined) throw new Error(`spawn: ${done.error}`);
  return done.pid;
}

/** A real one, from where it may write. */
function ownAddon({ context }: World): void {
  const real = Object.keys(requireFromSdk.cache).find((path) => path.endsWith('.node'));
  if (real === undefined) throw new Error('there is no addon to copy');
  const path = join(context.stateDir, 'evil.node');
  copyFileSync(real, path);
  process.dlopen({ exports: {} }, path);
}

/** A real program of the host, copied to where it may write. */
function ownProgram({ context }: World): string {
  const path = join(context.stateDir, 'evil');
  copyFileSync(process.execPath, path);
  chmodSync(path, 0o755);
  return execFileSync(path, ['--version']).toString();
}

function mustSpawn(program: string, args: string[]): string {
  const { error, status, stderr } = spawnSync(program, args, { timeout: 5_000 });
  if (error) throw error;
  if (status !== 0) throw new Error(`${program}: exit ${status} ${stderr}`);
  return 'it ran';
}

/** Not by way of Node: libc's own fork and exec. */
function system({ libc, context }: World): string {
  const proof = join(context.stateDir, `proof${Date.now()}`);
  libc('int system(const char *)', `echo x > ${proof}`);
  if (!existsSync(proof)) throw new Error('the shell did nothing');
  return 'a shell ran';
}

export const programActs: readonly Act[] = [
  { name: 'shell', run: () => mustSpawn('/bin/sh', ['-c', 'true']) },
  { name: 'node', run: () => mustSpawn(process.execPath, ['-e', '0']) },
  { name: 'setuid-program', run: () => mustSpawn('/usr/bin/su', ['-c', 'true']) },
  { name: 'fork-of-node', run: () => forked() },
  { name: 'fork-bomb', run: () => Array.from({ length: 200 }, () => mustSpawn('/bin/sh', ['-c', 'sleep 1 &'])).length },
  { name: 'spawn-binding', run: () => spawnBinding() },
  { name: 'system-of-libc', run: (world) => system(world) },
  { name: 'own-addon', run: (world) => ownAddon(world) },
  { name: 'own-program', run: (world) => ownProgram(world) },
  { name: 'become-root', run: () => process.setuid?.(0) },
  { name: 'become-kernel', run: () => process.setuid?.(64_000) },
  { name: 'join-group-root', run: () => process.setgid?.(0) },
  ...['launcher', 'kernel', 'forwarder', 'dns'].map((name): Act => ({ name: `kill-${name}`, run: (_, { pids }) => killed(pids[name]) })),
  { name: 'inspect-kernel', run: (_, { pids }) => process.kill(pids.kernel ?? 0, 'SIGUSR1') },
  { name: 'prefer-itself', run: ({ libc }) => libc('int setpriority(int, int, int)', 0, 0, -20) },
  { name: 'trace-kernel', run: ({ libc }, { pids }) => libc('long ptrace(long, int, void *, void *)', attach, pids.kernel, null, null) },
  { name: 'mount-namespace', run: ({ libc }) => libc('int unshare(int)', mountNamespace) },
  {
    name: 'mount',
    run: ({ libc }) => libc('int mount(const char *, const char *, const char *, unsigned long, void *)', 'x', '/tmp', 'tmpfs', 0, null),
  },
  { name: 'change-root', run: ({ libc }) => libc('int chroot(const char *)', '/') },
  {
    name: 'device-node',
    run: ({ libc, context }) =>
      libc('int mknod(const char *, unsigned int, unsigned long)', join(context.stateDir, 'mem'), 0o020666, 0x0101),
  },
  { name: 'host-name', run: ({ libc }) => libc('int sethostname(const char *, size_t)', 'evil', 4) },
  { name: 'clock', run: ({ libc }) => libc('int clock_settime(int, void *)', 0, Buffer.alloc(16)) },
];

function forked(): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = fork(new URL('../index.ts', import.meta.url).pathname, { stdio: 'ignore' });
    child.once('spawn', () => {
      child.kill('SIGKILL');
      resolve('it ran');
    });
    child.once('error', reject);
  });
}
