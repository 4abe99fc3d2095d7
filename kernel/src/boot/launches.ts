/** How each of Weft's processes is started: program, rights, handoff. */
import { chmodSync, chownSync, mkdirSync, symlinkSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { newKeyPair } from '../../bus/keys.ts';
import { fail, type KeyPair, type ProcessSpec, type TlsHandoff } from '../../contract/system/index.ts';
import type { HostSettings } from '../config/index.ts';
import type { Launch } from './child.ts';
import { type Bind, confine } from './confine.ts';
import type { InstancePaths } from './paths.ts';
import { cacheEnvironment, fillCache, shareCache } from './program-cache.ts';
import { secretKey } from './secret-key.ts';
import type { StateMemory } from './state-memory.ts';
import { kernelUid, type Uids } from './uids.ts';

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

export class Launches {
  readonly #paths: InstancePaths;
  readonly #settings: HostSettings;
  readonly #programs: Programs;
  readonly #uids: Uids;
  readonly #memory: StateMemory;
  /** One-time for clients; these live as long as the launcher. */
  readonly #servers = { kernel: newKeyPair(), forwarder: newKeyPair() };
  readonly #app: string;
  readonly #tls: TlsHandoff | undefined;

  constructor(paths: InstancePaths, settings: HostSettings, programs: Programs, uids: Uids, memory: StateMemory, tls?: TlsHandoff) {
    this.#tls = tls;
    this.#paths = paths;
    this.#settings = settings;
    this.#programs = programs;
    this.#uids = uids;
    this.#memory = memory;
    this.#app = join(paths.runDir, 'app');
  }

  /** Folders that the processes need, with their owners, and the compile cache. */
  prepare(): void {
    const { runDir, stateDir } = this.#paths;
    for (const dir of ['app', 'state', 'log', 'dirs', 'forwarder']) makeDir(join(runDir, dir), 0);
    for (const dir of ['kernel', 'api']) makeDir(join(runDir, dir), kernelUid);
    this.#extraDirs().forEach((_, index) => {
      makeDir(join(runDir, 'dirs', `${index}`), 0);
    });
    // Plugins outside the program folder find their packages here.
    symlinkSync('app/node_modules', join(runDir, 'node_modules'));
    makeDir(join(stateDir, 'store'), kernelUid, 0o700);
    makeDir(join(stateDir, 'plugins'), 0);
    makeDir(join(stateDir, 'log'), 0);
    makeDir(join(stateDir, 'forwarder'), 0, 0o700);
    fillCache(this.#programs.dir, nodeArgs);
  }

  forwarder(): Launch {
    const { runDir, stateDir } = this.#paths;
    const program = join(this.#programs.dir, this.#programs.forwarder);
    return {
      command: process.execPath,
      args: [...nodeArgs, program],
      cwd: this.#programs.dir,
      environment: cacheEnvironment(this.#programs.dir),
      ipc: true,
      memory: this.#memory.descriptor,
      handoff: {
        ...this.#base('forwarder', this.#servers.forwarder),
        runDir,
        stateDir: join(stateDir, 'forwarder'),
        settings: this.#settings.forwarder,
        linkTag: this.#memory.linkTag,
      },
    };
  }

  kernel(): Launch {
    const { runDir, stateDir } = this.#paths;
    const logDir = join(runDir, 'log');
    return this.#confined(
      kernelUid,
      join(stateDir, 'store'),
      this.#programs.kernel,
      [],
      [{ from: join(stateDir, 'log'), to: logDir, writable: false }],
      {
        ipc: true,
        handoff: {
          ...this.#base('kernel', this.#servers.kernel),
          settings: { ...this.#settings, pluginDirs: this.#pluginDirsSeen() },
          apiSocket: join(runDir, 'api', 'api.sock'),
          logDir,
          secretKey: secretKey(stateDir),
          ...(this.#tls === undefined ? {} : { tls: this.#tls }),
        },
      },
    );
  }

  plugin(spec: ProcessSpec): Launch {
    const uid = this.#uids.of(spec.name);
    const own = join(this.#paths.stateDir, 'plugins', spec.name);
    makeDir(own, uid, 0o700);
    const entry = resolve(this.#app, spec.entry);
    return this.#confined(uid, own, this.#programs.plugin, [entry], [], {
      ipc: false,
      handoff: { ...this.#base(spec.name, newKeyPair()), settings: spec.settings },
    });
  }

  #base(name: string, keys: KeyPair) {
    const { runDir } = this.#paths;
    const servers = { kernel: this.#servers.kernel.publicKey, forwarder: this.#servers.forwarder.publicKey };
    return { name, runDir, stateDir: join(runDir, 'state'), logLevel: this.#settings.logLevel, keys, servers };
  }

  #confined(
    uid: number,
    stateDir: string,
    program: string,
    args: readonly string[],
    extra: readonly Bind[],
    rest: Pick<Launch, 'ipc' | 'handoff'>,
  ): Launch {
    const { runDir } = this.#paths;
    const binds: Bind[] = [
      { from: this.#programs.dir, to: this.#app, writable: false },
      { from: stateDir, to: join(runDir, 'state'), writable: true },
      ...this.#extraDirs().map((from, index) => ({ from, to: join(runDir, 'dirs', `${index}`), writable: false })),
      ...extra,
    ];
    const command = confine({ uid, binds, cwd: this.#app }, this.#seen(process.execPath), [...nodeArgs, join(this.#app, program), ...args]);
    shareCache(this.#programs.dir, uid);
    return { ...command, ...rest, cwd: '/', environment: cacheEnvironment(this.#app) };
  }

  /** A path of the program folder as confined children see it; any other as it is. */
  #seen(path: string): string {
    const below = relative(this.#programs.dir, path);
    return below.startsWith('..') ? path : join(this.#app, below);
  }

  /** Plugin folders outside the program folder. */
  #extraDirs(): string[] {
    return this.#settings.pluginDirs.filter((dir) => relative(this.#programs.dir, dir).startsWith('..'));
  }

  #pluginDirsSeen(): string[] {
    const extra = this.#extraDirs();
    const dirs = this.#settings.pluginDirs.length > 0 ? this.#settings.pluginDirs : [join(this.#programs.dir, 'plugins')];
    return dirs.map((dir) => {
      const index = extra.indexOf(dir);
      return index < 0 ? this.#seen(dir) : join(this.#paths.runDir, 'dirs', `${index}`);
    });
  }
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
