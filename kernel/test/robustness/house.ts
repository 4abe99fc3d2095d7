/** The real kernel process and two real plugin processes, with the launcher's part played by the test: it starts, kills and restarts them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { BusServer, newKeyPair } from '../../bus/index.ts';
import type { ForwarderCalls } from '../../contract/net/index.ts';
import {
  type ChildState,
  type Handoff,
  type KernelToLauncher,
  type KeyPair,
  type ProcessSpec,
  plugSockets,
} from '../../contract/system/index.ts';
import { manifestOf, renderManifest } from '../../sdk/manifest.ts';
import type { PluginDefinition } from '../../sdk/plugin.ts';
import { FakeForwarder } from '../../sdk/testing/forwarder.ts';
import shelf from './plugins/shelf.ts';
import tally from './plugins/tally.ts';

const kernelProgram = new URL('../../src/boot/kernel.ts', import.meta.url).pathname;
const pluginProgram = new URL('../../sdk/run.ts', import.meta.url).pathname;
const nodeArgs = ['--disable-warning=ExperimentalWarning'];
/** Ends of the kernel in a row before it served; armed failpoints make a few. */
const failuresAllowed = 6;
export const pluginNames = ['shelf', 'tally'] as const;
export type PluginName = (typeof pluginNames)[number];

export interface HouseOptions {
  /** Events that the change log keeps. */
  readonly retention?: number;
  /** Stands before the kernel's command line, such as strace; asked at each start. */
  readonly wrapper?: () => readonly string[];
  /** Asked at each start of the kernel: what is armed in this life of it. */
  readonly failpoints?: () => string;
  readonly withPlugins?: boolean;
}

interface Plugin {
  process: ChildProcess;
  keys: KeyPair;
  restarts: number;
  startedAt: string;
}

export class House {
  readonly folder = mkdtempSync(join(tmpdir(), 'weft-robust-'));
  readonly apiSocket = join(this.folder, 'api.sock');
  /** Failpoints that acted, as `NAME ACTION`, in order. */
  readonly fired: string[] = [];
  /** Unasked ends of the kernel, by signal or exit code. */
  readonly ends: string[] = [];
  readonly #options: HouseOptions;
  readonly #servers = { kernel: newKeyPair(), forwarder: newKeyPair() };
  readonly #plugins = new Map<string, Plugin>();
  #forwarder: BusServer | null = null;
  #kernel: ChildProcess | null = null;
  #up = Promise.withResolvers<void>();
  #ready = false;
  #serving = new Set<string>();
  #closing = false;
  /** Ends in a row before it served. */
  #failures = 0;
  #lastWords = '';

  constructor(options: HouseOptions = {}) {
    this.#options = options;
  }

  /** Resolves once kernel and plugins serve. */
  async open(): Promise<void> {
    for (const dir of ['run/kernel', 'run/forwarder', 'store', 'plugins']) mkdirSync(join(this.folder, dir), { recursive: true });
    if (this.#options.withPlugins !== false) {
      this.#install(shelf as unknown as PluginDefinition);
      this.#install(tally as unknown as PluginDefinition);
    }
    this.#forwarder = await BusServer.open(this.#servers.forwarder);
    for (const name of pluginNames) {
      const path = plugSockets(join(this.folder, 'run'), name).control;
      await this.#forwarder.channel<ForwarderCalls, object>({ client: name, path, handlers: new FakeForwarder([], []).handlers() });
    }
    this.#startKernel();
    await this.whole();
  }

  /** Pid of the living kernel; null while there is none. */
  get kernelPid(): number | null {
    return this.#kernel?.pid ?? null;
  }

  /** Resolves when the present or the next kernel answers. */
  up(): Promise<void> {
    return this.#up.promise;
  }

  /** Resolves when the kernel answers and all plugins serve it. */
  async whole(): Promise<void> {
    const names = this.#options.withPlugins === false ? [] : pluginNames;
    for (const end = Date.now() + 30_000; ; await pause(20)) {
      await this.up();
      if (names.every((name) => this.#serving.has(name))) return;
      if (Date.now() > end) throw new Error(`not whole after 30 s; serving: ${[...this.#serving].join(', ')}; see ${this.folder}`);
    }
  }

  /** `kill -9`; the kernel starts again at once. */
  killKernel(): void {
    this.#kernel?.kill('SIGKILL');
    this.#down();
  }

  /** An orderly stop; the kernel starts again at once. */
  restartKernel(): void {
    this.#kernel?.kill('SIGTERM');
    this.#down();
  }

  /** Tells the kernel of its children once more. */
  announce(): void {
    this.#tellChildren();
  }

  killPlugin(name: PluginName): void {
    this.#plugins.get(name)?.process.kill('SIGKILL');
    this.#serving.delete(name);
  }

  async close(): Promise<void> {
    this.#closing = true;
    const living = [this.#kernel, ...[...this.#plugins.values()].map((plugin) => plugin.process)].filter((child) => child !== null);
    const ended = living.map((child) => (child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined));
    for (const child of living) child.kill('SIGKILL');
    await Promise.all(ended);
    await this.#forwarder?.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #install(definition: PluginDefinition): void {
    const folder = join(this.folder, 'plugins', definition.name);
    mkdirSync(folder);
    const source = new URL(`plugins/${definition.name}.ts`, import.meta.url).pathname;
    writeFileSync(join(folder, 'index.ts'), `export { default } from ${JSON.stringify(source)};\n`);
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: definition.name, version: '1.0.0', type: 'module' }));
    writeFileSync(join(folder, 'manifest.json'), renderManifest(manifestOf(definition, '1.0.0')));
  }

  #handoff(name: string, keys: KeyPair, settings: Handoff['settings']): Handoff {
    const stateDir = join(this.folder, name === 'kernel' ? 'store' : `state-${name}`);
    mkdirSync(stateDir, { recursive: true });
    const servers = { kernel: this.#servers.kernel.publicKey, forwarder: this.#servers.forwarder.publicKey };
    const common = { name, runDir: join(this.folder, 'run'), stateDir, logLevel: 'info', keys, servers, settings };
    if (name !== 'kernel') return common;
    return { ...common, apiSocket: this.apiSocket, logDir: this.folder, secretKey: Buffer.alloc(32, 7).toString('base64') };
  }

  #spawn(command: readonly string[], handoff: Handoff): ChildProcess {
    const log = openSync(join(this.folder, `${handoff.name}.log`), 'a');
    const [program = '', ...args] = command;
    const ipc = handoff.name === 'kernel' ? (['ipc'] as const) : [];
    const child = spawn(program, args, { stdio: ['ignore', log, 'pipe', 'pipe', ...ipc] });
    const pipe = child.stdio[3] as Writable;
    // a child that dies before it reads is noticed by its exit
    pipe.on('error', () => undefined);
    pipe.end(JSON.stringify(handoff));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#heard(text));
    return child;
  }

  #heard(text: string): void {
    this.#lastWords = (this.#lastWords + text).slice(-2_000);
    for (const [, fired] of text.matchAll(/^failpoint (.*)$/gm)) if (fired !== undefined) this.fired.push(fired);
  }

  #startKernel(): void {
    const retention = this.#options.retention;
    const settings = {
      pluginDirs: [join(this.folder, 'plugins')],
      ...(retention === undefined ? {} : { store: { retention } }),
      debug: { failpoints: this.#options.failpoints?.() ?? '' },
    };
    const command = [...(this.#options.wrapper?.() ?? []), process.execPath, ...nodeArgs, kernelProgram];
    const child = this.#spawn(command, this.#handoff('kernel', this.#servers.kernel, settings));
    this.#kernel = child;
    child.on('message', (message: KernelToLauncher) => this.#said(child, message));
    child.once('exit', (code, signal) => this.#ended(child, signal ?? String(code)));
    // as the launcher does it: at the kernel's start and at every change
    this.#tellChildren();
  }

  #said(child: ChildProcess, message: KernelToLauncher): void {
    if (this.#kernel !== child) return;
    if (message.type === 'ready') {
      this.#failures = 0;
      this.#ready = true;
      this.#up.resolve();
    }
    if (message.type === 'plugin-ready') this.#serving.add(message.name);
    if (message.type === 'want') for (const spec of message.processes) if (!this.#plugins.has(spec.name)) this.#startPlugin(spec, 0);
  }

  #down(): void {
    this.#serving = new Set();
    if (this.#ready) this.#up = Promise.withResolvers();
    this.#ready = false;
  }

  #ended(child: ChildProcess, how: string): void {
    if (this.#kernel !== child || this.#closing) return;
    this.ends.push(how);
    this.#kernel = null;
    this.#down();
    this.#failures += 1;
    if (this.#failures < failuresAllowed) this.#startKernel();
    else this.#up.reject(new Error(`the kernel does not start (${how}): ${this.#lastWords}`));
  }

  #startPlugin(spec: ProcessSpec, restarts: number): void {
    const keys = newKeyPair();
    // it does not outlive a test that is killed
    const child = this.#spawn(
      ['setpriv', '--pdeathsig', 'KILL', process.execPath, ...nodeArgs, pluginProgram, spec.entry],
      this.#handoff(spec.name, keys, spec.settings),
    );
    this.#plugins.set(spec.name, { process: child, keys, restarts, startedAt: new Date().toISOString() });
    this.#forwarder?.setKey(spec.name, keys.publicKey).catch(() => undefined);
    child.once('exit', () => {
      if (this.#closing) return;
      this.#serving.delete(spec.name);
      this.#startPlugin(spec, restarts + 1);
    });
    this.#tellChildren();
  }

  #tellChildren(): void {
    const children = [...this.#plugins].map(([name, { process: child, keys, restarts, startedAt }]): ChildState => {
      return { name, pid: child.pid ?? null, publicKey: keys.publicKey, startedAt, restarts };
    });
    if (this.#kernel?.connected === true) this.#kernel.send({ type: 'children', children }, () => undefined);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
