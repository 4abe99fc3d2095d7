/** How each of Weft's processes is started: program, rights, handoff. */
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { newKeyPair } from '../../bus/keys.ts';
import {
  fail,
  type Grants,
  identifierPattern,
  type KeyPair,
  type ProcessSpec,
  plugSockets,
  type TlsHandoff,
} from '../../contract/system/index.ts';
import type { HostSettings } from '../config/index.ts';
import { auditDescriptor, type Launch } from './child.ts';
import { type Confinement, confine } from './confine.ts';
import type { Containment } from './containment.ts';
import type { InstancePaths } from './paths.ts';
import { cacheEnvironment, fillCache, shareCache } from './program-cache.ts';
import { secretKey } from './secret-key.ts';
import type { StateMemory } from './state-memory.ts';
import { kernelUid, type Uids } from './uids.ts';
import type { Bind } from './world.ts';

export interface Programs {
  /** Everything below it is what children may run. */
  readonly dir: string;
  /** Relative to `dir`. */
  readonly kernel: string;
  readonly forwarder: string;
  readonly plugin: string;
}

export const weftPrograms: Omit<Programs, 'dir'> = {
  kernel: 'kernel/src/boot/kernel.ts',
  forwarder: 'forwarder/host/main.ts',
  plugin: 'kernel/sdk/run.ts',
};

/** A young generation that stays small: what these processes keep is little, and each pays for its own. */
const nodeArgs = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=2'];
/** Of the program folder, what confined processes see. */
const programParts = ['kernel', 'plugins', 'node_modules'];
const identifier = new RegExp(identifierPattern);

export interface LaunchesOptions {
  readonly paths: InstancePaths;
  readonly settings: HostSettings;
  readonly programs: Programs;
  readonly uids: Uids;
  readonly memory: StateMemory;
  readonly containment: Containment;
  readonly tls?: TlsHandoff | undefined;
}

export class Launches {
  readonly #options: LaunchesOptions;
  /** One-time for clients; these live as long as the launcher. */
  readonly #servers = { kernel: newKeyPair(), forwarder: newKeyPair() };
  /** The program folder as confined processes see it. */
  readonly #app: string;

  constructor(options: LaunchesOptions) {
    this.#options = options;
    this.#app = join(options.paths.runDir, 'app');
  }

  /** Folders that the processes need, with their owners, and the compile cache. */
  prepare(): void {
    const { runDir, stateDir } = this.#options.paths;
    for (const dir of ['world', 'kernel', 'forwarder']) makeDir(join(runDir, dir), 0);
    makeDir(join(runDir, 'api'), kernelUid);
    makeDir(join(stateDir, 'store'), kernelUid, 0o700);
    makeDir(join(stateDir, 'plugins'), 0);
    makeDir(join(stateDir, 'log'), 0);
    makeDir(join(stateDir, 'forwarder'), 0, 0o700);
    // One that cannot be read is told of before anything starts.
    secretKey(stateDir);
    fillCache(this.#options.programs.dir, nodeArgs);
  }

  forwarder(): Launch {
    const { paths, programs, memory, settings } = this.#options;
    const program = join(programs.dir, programs.forwarder);
    return {
      command: process.execPath,
      args: [...nodeArgs, program],
      cwd: programs.dir,
      environment: cacheEnvironment(programs.dir),
      ipc: true,
      memory: memory.descriptor,
      handoff: {
        ...this.#base('forwarder', this.#servers.forwarder),
        stateDir: join(paths.stateDir, 'forwarder'),
        settings: settings.forwarder,
        linkTag: memory.linkTag,
      },
    };
  }

  kernel(): Launch {
    const { paths, settings, programs, containment, tls } = this.#options;
    const { runDir, stateDir } = paths;
    const [sockets, api, logDir] = [join(runDir, 'kernel'), join(runDir, 'api'), join(runDir, 'log')];
    // Root's, so that nobody leads a plugin elsewhere; what is in them is the kernel's.
    for (const name of this.#pluginNames()) makeDir(join(sockets, name), kernelUid);
    const binds = [
      { from: join(stateDir, 'store'), to: this.#ownFolder, writable: true },
      { from: sockets, to: sockets, writable: true },
      { from: api, to: api, writable: true },
      { from: join(stateDir, 'log'), to: logDir },
    ];
    const how = { uid: kernelUid, network: true, seesProcesses: true, tmpMib: 1024, groups: [] };
    return {
      ...this.#confined({ ...how, binds }, [], programs.kernel),
      ipc: true,
      auditLog: join(stateDir, 'log', 'audit.log'),
      handoff: {
        ...this.#base('kernel', this.#servers.kernel),
        auditDescriptor,
        settings: { ...settings, pluginDirs: this.#pluginDirsSeen() },
        apiSocket: join(api, 'api.sock'),
        logDir,
        enforcement: containment.enforcement,
        secretKey: secretKey(stateDir),
        ...(tls === undefined ? {} : { tls }),
      },
    };
  }

  plugin({ name, entry, grants, limits, settings }: ProcessSpec): Launch {
    const { paths, uids, programs, containment } = this.#options;
    const uid = uids.of(name);
    const stateDir = join(paths.stateDir, 'plugins', name);
    makeDir(stateDir, uid, 0o700);
    const { kernel, control } = plugSockets(paths.runDir, name);
    makeDir(dirname(control), 0);
    const binds = [
      { from: stateDir, to: this.#ownFolder, writable: true },
      ...[kernel, control].map((socket) => ({ from: dirname(socket), to: dirname(socket) })),
    ];
    const admitted = containment.admit(name, { limits, stateDir, log: join(paths.stateDir, 'log', `${name}.log`) });
    const how = {
      uid,
      network: grants.outside === true,
      seesProcesses: false,
      tmpMib: 16,
      openFiles: openFilesOf(grants),
      fileMib: limits.stateMib,
    };
    const node = [...this.#permissions(), `--max-old-space-size=${limits.memoryMib}`];
    return {
      ...this.#confined({ ...how, ...admitted, binds }, node, programs.plugin, resolve(this.#app, entry)),
      ipc: false,
      handoff: { ...this.#base(name, newKeyPair()), settings },
    };
  }

  /** Where a confined process finds its own folder. */
  get #ownFolder(): string {
    return join(this.#options.paths.runDir, 'state');
  }

  #base(name: string, keys: KeyPair) {
    const servers = { kernel: this.#servers.kernel.publicKey, forwarder: this.#servers.forwarder.publicKey };
    return {
      name,
      runDir: this.#options.paths.runDir,
      stateDir: this.#ownFolder,
      logLevel: this.#options.settings.logLevel,
      keys,
      servers,
    };
  }

  /** Node's own refusals, with its own words, before those of the system: no programs, no threads, no files elsewhere. */
  #permissions(): string[] {
    const writable = [this.#ownFolder, '/tmp', cacheEnvironment(this.#app).NODE_COMPILE_CACHE ?? ''];
    const allowed = ['--allow-fs-read=*', ...writable.map((path) => `--allow-fs-write=${path}`), '--allow-addons'];
    return ['--permission', '--disable-warning=SecurityWarning', ...allowed];
  }

  #confined(how: Omit<Confinement, 'root' | 'cwd'>, node: readonly string[], program: string, ...args: readonly string[]) {
    const { paths, programs } = this.#options;
    const parts = programParts.map((part): Bind => ({ from: join(programs.dir, part), to: join(this.#app, part) }));
    const extra = this.#extraDirs().map((from, index): Bind => ({ from, to: this.#seenExtra(index) }));
    const binds = [...parts, ...extra, ...how.binds, ...this.#foreignNode()];
    const whole = { ...how, binds, root: join(paths.runDir, 'world'), cwd: this.#app };
    const command = confine(whole, this.#seen(process.execPath), [...nodeArgs, ...node, join(this.#app, program), ...args]);
    shareCache(programs.dir, how.uid);
    return { ...command, cwd: '/', environment: cacheEnvironment(this.#app) };
  }

  /** A path of the program folder as confined children see it; any other as it is. */
  #seen(path: string): string {
    return this.#isShown(path) ? join(this.#app, relative(this.#options.programs.dir, path)) : path;
  }

  #isShown(path: string): boolean {
    const [first = ''] = relative(this.#options.programs.dir, path).split('/');
    return programParts.includes(first);
  }

  /** A Node that did not come with the program. */
  #foreignNode(): Bind[] {
    return this.#isShown(process.execPath) ? [] : [{ from: process.execPath, to: process.execPath }];
  }

  /** Plugin folders that are not in what is shown of the program folder. */
  #extraDirs(): string[] {
    return this.#options.settings.pluginDirs.filter((dir) => !this.#isShown(dir));
  }

  /** In the program folder, so that they find their packages there. */
  #seenExtra(index: number): string {
    return join(this.#app, 'dirs', `${index}`);
  }

  #pluginDirs(): readonly string[] {
    const { pluginDirs } = this.#options.settings;
    return pluginDirs.length > 0 ? pluginDirs : [join(this.#options.programs.dir, 'plugins')];
  }

  #pluginDirsSeen(): string[] {
    const extra = this.#extraDirs();
    return this.#pluginDirs().map((dir) => (extra.includes(dir) ? this.#seenExtra(extra.indexOf(dir)) : this.#seen(dir)));
  }

  #pluginNames(): string[] {
    const names = this.#pluginDirs().flatMap((dir) => (existsSync(dir) ? readdirSync(dir) : []));
    return names.filter((name) => identifier.test(name));
  }
}

/** Who serves VMs has a socket for each that asks, and one more for whom it asks in turn. */
function openFilesOf({ servicePort }: Grants): number {
  return servicePort === true ? 8_192 : 1_024;
}

function makeDir(path: string, uid: number, mode = 0o755): void {
  try {
    mkdirSync(path, { recursive: true });
    chownSync(path, uid, uid);
    chmodSync(path, mode);
  } catch (cause) {
    throw fail('INTERNAL', `cannot make the folder ${path}: ${(cause as Error).message}`, 'choose another place with --state-dir');
  }
}
