/** The running whole: kernel, forwarder and plugins as children, in order, and the news between them. */

import { join } from 'node:path';
import {
  type ChildState,
  type ForwarderToLauncher,
  identifierPattern,
  type KernelToLauncher,
  type LauncherToForwarder,
  type LauncherToKernel,
  type Peer,
  type ProcessSpec,
  type Want,
} from '../../contract/system/index.ts';
import { Child, type ChildOptions } from './child.ts';
import type { Containment } from './containment.ts';
import type { Launches } from './launches.ts';
import type { ProcessId } from './proc.ts';

export interface InstanceOptions {
  readonly launches: Launches;
  readonly containment: Containment;
  readonly logDir: string;
  /** The living processes, by name, at every change. */
  readonly onProcesses: (processes: Readonly<Record<string, ProcessId>>) => void;
  /** One line of progress. */
  readonly say: (line: string) => void;
  /** All that is enabled serves; once. */
  readonly onReady: () => void;
}

const identifier = new RegExp(identifierPattern);

interface PluginChild {
  readonly child: Child;
  spec: ProcessSpec;
}

export class Instance {
  readonly #options: InstanceOptions;
  readonly #forwarder: Child;
  readonly #kernel: Child;
  readonly #plugins = new Map<string, PluginChild>();
  readonly #ending = new Map<string, Promise<void>>();
  /** Has the present kernel told its wish? Its predecessor's restarts are history. */
  #wishKnown = false;
  #failed: readonly string[] = [];
  #disabled: readonly string[] = [];
  #ready = false;
  #stopping = false;

  constructor(options: InstanceOptions) {
    const { launches } = options;
    this.#options = options;
    this.#forwarder = this.#child('forwarder', () => launches.forwarder(), {
      onMessage: (message) => this.#fromForwarder(message as ForwarderToLauncher),
    });
    this.#kernel = this.#child(
      'kernel',
      () => {
        this.#wishKnown = false;
        return launches.kernel();
      },
      { onMessage: (message) => this.#fromKernel(message as KernelToLauncher) },
    );
  }

  start(): void {
    // Asked to stop while the launcher was still getting ready.
    if (this.#stopping) return;
    this.#forwarder.start();
    this.#kernel.start();
  }

  /** Plugins, then kernel, then forwarder. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all([...[...this.#plugins.values()].map(({ child }) => child.stop()), ...this.#ending.values()]);
    await this.#kernel.stop();
    await this.#forwarder.stop();
  }

  #pluginChild(name: string, launch: ChildOptions['launch']): Child {
    const { containment } = this.#options;
    return this.#child(name, launch, {
      onStart: (id) => containment.started(name, id),
      overuse: (signal) => containment.ended(name, signal),
    });
  }

  #child(name: string, launch: ChildOptions['launch'], hooks: Pick<ChildOptions, 'onMessage' | 'onStart' | 'overuse'>): Child {
    const { logDir, say } = this.#options;
    let restarts = 0;
    const child: Child = new Child({
      name,
      logDir,
      launch,
      onChange: () => {
        const state = child.state();
        if (state.restarts > restarts)
          say(`${name} ended (${describe(state.exit)}), starting it again; why: ${join(logDir, `${name}.log`)}`);
        restarts = state.restarts;
        this.#changed();
      },
      ...hooks,
    });
    return child;
  }

  #changed(): void {
    const children = [this.#forwarder, this.#kernel, ...[...this.#plugins.values()].map(({ child }) => child)];
    const ids = children.flatMap((child) => (child.id === null ? [] : [[child.name, child.id] as const]));
    this.#options.onProcesses(Object.fromEntries(ids));
    // At the end nobody should think that children crash.
    if (this.#stopping) return;
    this.#tellForwarder();
    this.#tellKernel();
  }

  #tellKernel(): void {
    const children = [this.#forwarder, ...[...this.#plugins.values()].map(({ child }) => child)].map((child) => child.state());
    this.#kernel.send({ type: 'children', children } satisfies LauncherToKernel);
  }

  #tellForwarder(): void {
    const peers: Record<string, Peer> = {};
    for (const [name, { child, spec }] of this.#plugins) {
      if (child.publicKey !== '') peers[name] = { publicKey: child.publicKey, grants: spec.grants, puntClasses: spec.puntClasses };
    }
    this.#forwarder.send({ type: 'peers', peers, disabled: this.#disabled } satisfies LauncherToForwarder);
  }

  #fromForwarder(message: ForwarderToLauncher): void {
    if (message.type === 'metrics') this.#kernel.send(message satisfies LauncherToKernel);
    if (message.type !== 'ready') return;
    this.#serves(this.#forwarder);
    this.#tellForwarder();
  }

  #fromKernel(message: KernelToLauncher): void {
    if (this.#stopping) return;
    if (message.type === 'ready') this.#serves(this.#kernel);
    else if (message.type === 'want') this.#want(message);
    else if (message.type === 'metrics') this.#forwarder.send(message satisfies LauncherToForwarder);
    else if (message.type === 'plugin-ready') {
      const plugin = this.#plugins.get(message.name);
      if (plugin !== undefined) this.#serves(plugin.child);
    }
  }

  #want({ processes: wanted, failed, disabled }: Want): void {
    // Names become names of files and folders that root makes, and the kernel is not to be root.
    const processes = wanted.filter(({ name }) => identifier.test(name));
    for (const { name } of wanted)
      if (!identifier.test(name)) this.#options.say(`the kernel wants a plugin with an impossible name: ${JSON.stringify(name)}`);
    const news = failed.filter((name) => !this.#failed.includes(name));
    for (const name of news) this.#options.say(`${name} has failed: see weft plugin list`);
    this.#failed = failed;
    this.#disabled = disabled;
    const names = new Set(processes.map((spec) => spec.name));
    for (const [name, { child }] of this.#plugins) if (!names.has(name)) this.#drop(name, child);
    for (const spec of processes) this.#run(spec);
    this.#wishKnown = true;
    this.#changed();
    this.#checkReady();
  }

  #drop(name: string, child: Child): void {
    this.#plugins.delete(name);
    const gone = child.stop().then(() => {
      this.#ending.delete(name);
      this.#changed();
    });
    this.#ending.set(name, gone);
  }

  #run(spec: ProcessSpec): void {
    const known = this.#plugins.get(spec.name);
    if (known === undefined) {
      const plugin: PluginChild = { spec, child: this.#pluginChild(spec.name, () => this.#options.launches.plugin(plugin.spec)) };
      this.#plugins.set(spec.name, plugin);
      // The former process of that name may still be on its way out.
      void (this.#ending.get(spec.name) ?? Promise.resolve()).then(() => {
        if (!this.#stopping && this.#plugins.get(spec.name) === plugin) plugin.child.start();
      });
      return;
    }
    const former = known.spec;
    known.spec = spec;
    const kicked = this.#wishKnown && former.epoch !== spec.epoch;
    if (kicked || fingerprint(former) !== fingerprint(spec)) known.child.restart();
  }

  #serves(child: Child): void {
    if (!child.serving) this.#options.say(`${child.name} serves`);
    child.served();
    this.#checkReady();
  }

  #checkReady(): void {
    if (this.#ready || !this.#wishKnown || this.#failed.length > 0) return;
    const all = [this.#forwarder, this.#kernel, ...[...this.#plugins.values()].map(({ child }) => child)];
    if (!all.every((child) => child.serving)) return;
    this.#ready = true;
    this.#options.onReady();
  }
}

/** What a process must be started anew for. */
function fingerprint({ entry, grants, puntClasses, limits, settings }: ProcessSpec): string {
  return JSON.stringify({ entry, grants, puntClasses, limits, settings });
}

function describe(exit: ChildState['exit']): string {
  return exit?.overuse ?? exit?.signal ?? `exit code ${exit?.code ?? 'unknown'}`;
}
