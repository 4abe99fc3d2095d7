/** A whole appliance as a child process, for the demo and the tests: its own state folder, its own API socket, gone when stopped. */
import { type ChildProcess, type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

export const top = join(import.meta.dirname, '..', '..');

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end; never throws for an exit code. `timeoutMs` kills it. */
export function run(
  program: string,
  args: readonly string[],
  options: { timeoutMs?: number; input?: string; env?: Record<string, string>; cwd?: string } = {},
): Promise<Result> {
  return new Promise((resolve) => {
    const child = execFile(
      program,
      [...args],
      {
        timeout: options.timeoutMs ?? 60_000,
        killSignal: 'SIGKILL',
        maxBuffer: 64 << 20,
        cwd: options.cwd ?? top,
        env: { ...process.env, ...options.env },
      },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 124;
        resolve({ code, stdout, stderr: stderr || (code === 0 ? '' : (error?.message ?? '')) });
      },
    );
    if (options.input !== undefined) child.stdin?.end(options.input);
  });
}

/** Starts a program that is told to stop (SIGTERM) when this process ends, however it ends: a crashed test leaves nothing behind. */
export function spawnMortal(program: string, args: readonly string[], cwd: string = top): ChildProcessByStdio<null, Readable, Readable> {
  return spawn('setpriv', ['--pdeathsig', 'TERM', program, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
}

export interface ProcessFacts {
  readonly name: string;
  readonly pid: number;
}

export class Appliance {
  readonly stateDir: string;
  readonly #programDir: string;
  readonly #settings: string | undefined;
  #launcher: ChildProcess | undefined;

  constructor(options: { stateDir?: string; programDir?: string; settings?: string } = {}) {
    this.stateDir = options.stateDir ?? mkdtempSync(join(tmpdir(), 'weft-'));
    this.#programDir = options.programDir ?? top;
    this.#settings = options.settings;
  }

  get api(): string {
    return `unix:${join(this.stateDir, 'api.sock')}`;
  }

  get #command(): string {
    return join(this.#programDir, 'kernel/cli/bin/weft');
  }

  get launcherPid(): number {
    return this.#launcher?.pid ?? 0;
  }

  /** Boots; resolves when the launcher prints `ready`, rejects with what it said when it does not within `timeoutMs`. */
  async start(timeoutMs = 60_000): Promise<void> {
    const args = ['up', '--state-dir', this.stateDir];
    if (this.#settings !== undefined) {
      const file = join(this.stateDir, 'settings.yaml');
      writeFileSync(file, this.#settings);
      args.push('--config', file);
    }
    const child = spawnMortal(this.#command, args, this.#programDir);
    this.#launcher = child;
    let said = '';
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`not ready within ${timeoutMs / 1000} s:\n${said}`)), timeoutMs);
      child.stderr.on('data', (chunk) => (said += chunk));
      child.stdout.on('data', (chunk) => {
        said += chunk;
        if (/^ready$/m.test(said)) {
          clearTimeout(timer);
          resolve();
        }
      });
      child.once('exit', (code) => {
        clearTimeout(timer);
        reject(new Error(`the launcher ended with ${code}:\n${said}`));
      });
    });
  }

  /** Orderly stop; the state folder stays unless it was made here and `remove` is true. */
  async stop(remove = true): Promise<void> {
    const child = this.#launcher;
    this.#launcher = undefined;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
    }
    if (remove) rmSync(this.stateDir, { recursive: true, force: true });
  }

  /** One command of `weft` against this appliance. */
  weft(args: readonly string[], options: { input?: string; timeoutMs?: number } = {}): Promise<Result> {
    return run(this.#command, args, { ...options, env: { WEFT_API: this.api } });
  }

  /** Like `weft`, but an exit code other than 0 is an exception that carries what was said. */
  async must(args: readonly string[], options: { input?: string; timeoutMs?: number } = {}): Promise<string> {
    const result = await this.weft(args, options);
    if (result.code !== 0) throw new Error(`weft ${args.join(' ')}: exit ${result.code}\n${result.stdout}${result.stderr}`);
    return result.stdout;
  }

  /** Applies objects in one transaction. */
  apply(objects: readonly unknown[]): Promise<string> {
    return this.must(['apply', '-f', '-'], { input: objects.map((object) => JSON.stringify(object)).join('\n---\n') });
  }

  /** `weft … -o json`, parsed. */
  async json<T>(args: readonly string[]): Promise<T> {
    return JSON.parse(await this.must([...args, '-o', 'json'])) as T;
  }

  /** The processes of this appliance as the kernel's status names them, and the kernel's and forwarder's own. */
  async processes(): Promise<ProcessFacts[]> {
    // An unhealthy appliance says so by its exit code, and its processes all the same.
    const { stdout, stderr } = await this.weft(['status', '-o', 'json']);
    if (stdout === '') throw new Error(stderr);
    const status = JSON.parse(stdout) as {
      kernel: { pid: number };
      forwarder: { pid: number };
      plugins: { name: string; pid: number | null }[];
    };
    return [
      { name: 'kernel', pid: status.kernel.pid },
      { name: 'forwarder', pid: status.forwarder.pid },
      ...status.plugins.flatMap(({ name, pid }) => (pid === null ? [] : [{ name, pid }])),
    ];
  }

  async pid(name: string): Promise<number> {
    const found = (await this.processes()).find((process) => process.name === name);
    if (found === undefined) throw new Error(`no process named ${name}`);
    return found.pid;
  }
}

/** Resident memory in bytes and CPU time in seconds of a process. */
export function usage(pid: number): { rssBytes: number; cpuSeconds: number } {
  if (!existsSync(`/proc/${pid}/stat`)) return { rssBytes: 0, cpuSeconds: 0 };
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  const pss = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'));
  return { rssBytes: Number(pss?.[1] ?? 0) * 1024, cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100 };
}

/** Tries again until `check` gives something other than undefined or false, or the time is over (then undefined). */
export async function until<T>(check: () => Promise<T | undefined | false>, timeoutMs: number, stepMs = 100): Promise<T | undefined> {
  for (const end = Date.now() + timeoutMs; Date.now() < end; ) {
    const value = await check();
    if (value !== undefined && value !== false) return value;
    await new Promise((resolve) => setTimeout(resolve, stepMs));
  }
  return undefined;
}
