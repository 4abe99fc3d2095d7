/** One child process of the launcher: started, started again when it ends unasked, stopped. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fchownSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import type { ChildState, Handoff, KeyPair } from '../../contract/system/index.ts';
import { writeHandoff } from './handoff.ts';
import { identify, type ProcessId } from './proc.ts';
import { kernelUid } from './uids.ts';

const firstPauseMs = 100;
const longestPauseMs = 5_000;
/** A child that served for this long starts again at once. */
const provenMs = 1_000;
const killAfterMs = 5_000;
/** Of the audit log, in the process that writes it. */
export const auditDescriptor = 5;

/** How to start it, asked anew for each start. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Beside PATH, LANG and HOME. */
  readonly environment: Readonly<Record<string, string>>;
  readonly handoff: Handoff;
  /** A Node IPC channel to the launcher. */
  readonly ipc: boolean;
  /** Inherited as descriptor 4. */
  readonly memory?: number;
  /** A file that only root and the kernel read; inherited as descriptor 5, open for appending. */
  readonly auditLog?: string;
}

export interface ChildOptions {
  readonly name: string;
  readonly logDir: string;
  readonly launch: () => Launch;
  /** The process started, ended, or was given up on for a while. */
  readonly onChange: () => void;
  readonly onMessage?: ((message: unknown) => void) | undefined;
  /** A process was started. */
  readonly onStart?: (id: ProcessId | null) => void;
  /** Asked when it ended: the limit that it went beyond, if that was why. */
  readonly overuse?: (signal: string | null) => string | undefined;
}

export class Child {
  readonly name: string;
  readonly #options: ChildOptions;
  #process: ChildProcess | null = null;
  #id: ProcessId | null = null;
  #keys: KeyPair | null = null;
  #startedAt = new Date().toISOString();
  #exit: ChildState['exit'];
  #restarts = 0;
  #pauseMs = 0;
  #servingSince: number | null = null;
  #wanted = false;
  /** The end that comes next was asked for. */
  #expected = false;
  #timer: NodeJS.Timeout | undefined;
  #killer: NodeJS.Timeout | undefined;
  /** For its end. */
  #waiting: (() => void)[] = [];

  constructor(options: ChildOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** Of the living process, for the record; null while there is none. */
  get id(): ProcessId | null {
    return this.#id;
  }

  get publicKey(): string {
    return this.#keys?.publicKey ?? '';
  }

  get serving(): boolean {
    return this.#servingSince !== null;
  }

  state(): ChildState {
    const { name, publicKey } = this;
    const exit = this.#exit === undefined ? {} : { exit: this.#exit };
    return { name, pid: this.#process?.pid ?? null, publicKey, startedAt: this.#startedAt, restarts: this.#restarts, ...exit };
  }

  start(): void {
    this.#wanted = true;
    if (this.#process === null) this.#spawn();
  }

  /** It said that it serves. */
  served(): void {
    this.#servingSince ??= performance.now();
  }

  send(message: object): void {
    if (this.#process?.connected === true) this.#process.send(message, () => undefined);
  }

  /** Ends the process; it starts again at once. */
  restart(): void {
    if (this.#process === null) {
      clearTimeout(this.#timer);
      if (this.#wanted) this.#spawn();
      return;
    }
    this.#expected = true;
    this.#terminate();
  }

  /** Resolves when the process is gone: SIGTERM, after 5 s SIGKILL. */
  stop(): Promise<void> {
    this.#wanted = false;
    clearTimeout(this.#timer);
    if (this.#process === null) return Promise.resolve();
    this.#terminate();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #terminate(): void {
    const { pid } = this.#process ?? {};
    this.#process?.kill('SIGTERM');
    clearTimeout(this.#killer);
    this.#killer = setTimeout(() => {
      if (this.#process?.pid === pid) this.#process?.kill('SIGKILL');
    }, killAfterMs);
  }

  /** What cannot even be started, as with no room on the disk or no memory for a process, is tried again, and does not take the launcher along. */
  #spawn(): void {
    this.#expected = false;
    let launch: Launch;
    let child: ChildProcess;
    try {
      launch = this.#options.launch();
      child = this.#begin(launch);
    } catch (thrown) {
      this.#ended(null, (thrown as Error).message);
      return;
    }
    this.#follow(child, launch.handoff);
  }

  #begin({ command, args, cwd, environment, handoff, ipc, memory, auditLog }: Launch): ChildProcess {
    const opened = [openSync(join(this.#options.logDir, `${this.name}.log`), 'a', 0o644)];
    try {
      if (auditLog !== undefined) opened.push(openAuditLog(auditLog));
      const [log, audit] = opened;
      const stdio = ['ignore', log, log, 'pipe', memory ?? 'ignore', audit ?? 'ignore', ...(ipc ? ['ipc' as const] : [])];
      const env = {
        PATH: process.env.PATH ?? '',
        LANG: 'C.UTF-8',
        HOME: handoff.stateDir,
        ...environment,
      };
      this.#keys = handoff.keys;
      this.#startedAt = new Date().toISOString();
      // A process group of its own: Ctrl-C in the terminal is for the launcher, which stops them in order.
      return spawn(command, args, { cwd, env, detached: true, stdio: stdio as never });
    } finally {
      for (const descriptor of opened) closeSync(descriptor);
    }
  }

  #follow(child: ChildProcess, handoff: Handoff): void {
    this.#process = child;
    this.#id = child.pid === undefined ? null : identify(child.pid);
    this.#options.onStart?.(this.#id);
    child.once('error', (error) => this.#over(child, null, null, error));
    child.once('exit', (code, signal) => this.#over(child, code, signal));
    // What a dead process has said last may arrive after its successor has started.
    child.on('message', (message) => {
      if (this.#process === child) this.#options.onMessage?.(message);
    });
    const pipe = child.stdio[3] as Writable | null | undefined;
    if (pipe) writeHandoff(pipe, handoff);
    this.#options.onChange();
  }

  #over(child: ChildProcess, code: number | null, signal: string | null, error?: Error): void {
    if (this.#process === child) this.#ended(code, error?.message ?? signal);
  }

  #ended(code: number | null, signal: string | null): void {
    clearTimeout(this.#killer);
    this.#process = null;
    this.#id = null;
    const overuse = this.#options.overuse?.(signal);
    const at = new Date().toISOString();
    this.#exit = { code, signal, at, ...(overuse === undefined ? {} : { overuse }) };
    const proven = this.#servingSince !== null && performance.now() - this.#servingSince >= provenMs;
    this.#servingSince = null;
    if (this.#wanted) {
      if (!this.#expected) this.#restarts += 1;
      this.#pauseMs = this.#expected || proven ? 0 : Math.min(longestPauseMs, Math.max(firstPauseMs, 2 * this.#pauseMs));
      if (this.#pauseMs === 0) this.#spawn();
      else this.#timer = setTimeout(() => this.#spawn(), this.#pauseMs);
    }
    for (const resolve of this.#waiting.splice(0)) resolve();
    this.#options.onChange();
  }
}

/** What the kernel may append to, and read elsewhere, and nobody may replace. */
function openAuditLog(path: string): number {
  const descriptor = openSync(path, 'a', 0o640);
  fchownSync(descriptor, 0, kernelUid);
  return descriptor;
}
