/** The plugins as the operator sees and commands them: settings, supervision and connections in one view. */
import type { Refusals } from '../../bus/index.ts';
import { type ChildState, type Enforcement, type Limits, limitsOf } from '../../contract/system/index.ts';
import {
  type MetricsSource,
  type OperationInput,
  type PluginControl,
  type PluginInfo,
  type PluginWish,
  type ProcessInfo,
  residentBytes,
} from '../api/index.ts';
import type { RegisteredPlugin, Registry } from '../registry/index.ts';
import type { PluginPhase, PluginState, PluginToRun } from '../supervisor/index.ts';
import type { Enablement } from './enablement.ts';
import type { PluginLinks } from './plugin-links.ts';

/** What supervision offers. */
export interface Supervision {
  setWanted(plugins: readonly PluginToRun[], disabled: readonly string[], broken: readonly string[]): void;
  restart(name: string): void;
  /** Earlier crashes count no longer. */
  forgive(name: string): void;
  state(name: string): PluginState;
}

const states: Readonly<Record<PluginPhase, PluginInfo['state']>> = {
  starting: 'starting',
  ready: 'running',
  restarting: 'restarting',
  failed: 'failed',
  disabled: 'disabled',
};

export interface ControlParts {
  readonly registry: Registry;
  readonly enablement: Enablement;
  readonly links: PluginLinks;
  readonly supervision: Supervision;
  readonly refusals: Pick<Refusals, 'counts'>;
  /** The program file of a plugin folder, as the launcher wants it named. */
  readonly entryOf: (folder: string) => string;
  /** What the operator says about limits, by plugin. */
  readonly limits: Readonly<Record<string, Partial<Limits>>>;
  /** Of limits, as the launcher told; null without a launcher. */
  readonly enforcement: Enforcement | null;
  /** A plugin is disabled that is missed, or (null) is not any more. */
  readonly tellMissed: (plugin: string, text: string | null) => void;
  /** What the forwarder tells of itself, asked for by way of the launcher. */
  readonly forwarderMetrics: (deadlineMs: number) => Promise<string>;
}

export class Control implements PluginControl {
  readonly #registry: Registry;
  readonly #enablement: Enablement;
  readonly #links: PluginLinks;
  readonly #supervision: Supervision;
  readonly #refusals: Pick<Refusals, 'counts'>;
  readonly #entryOf: (folder: string) => string;
  readonly #tellMissed: (plugin: string, text: string | null) => void;
  readonly #forwarderMetrics: (deadlineMs: number) => Promise<string>;
  readonly #limits: Readonly<Record<string, Partial<Limits>>>;
  readonly #enforcement: Enforcement | null;
  #forwarder: ChildState | undefined;
  #lastChange: Promise<void> = Promise.resolve();

  constructor(parts: ControlParts) {
    this.#registry = parts.registry;
    this.#enablement = parts.enablement;
    this.#links = parts.links;
    this.#supervision = parts.supervision;
    this.#refusals = parts.refusals;
    this.#entryOf = parts.entryOf;
    this.#tellMissed = parts.tellMissed;
    this.#forwarderMetrics = parts.forwarderMetrics;
    this.#limits = parts.limits;
    this.#enforcement = parts.enforcement;
  }

  /** Tells supervision which plugins shall run, in the order of needs, which are disabled, and which are enabled but cannot run. */
  want(): void {
    const runnable = this.#registry.plugins.filter(({ name }) => this.#enablement.obstacle(name) === null);
    const others = this.#registry.plugins.filter((plugin) => !runnable.includes(plugin)).map(({ name }) => name);
    this.#supervision.setWanted(
      runnable.flatMap((plugin) => this.#toRun(plugin)),
      others.filter((name) => !this.#enablement.isEnabled(name)),
      others.filter((name) => this.#enablement.isEnabled(name)),
    );
    for (const { plugin, text } of this.#enablement.missed()) this.#tellMissed(plugin, text);
  }

  /** News of the launcher's children. */
  children(children: readonly ChildState[]): void {
    this.#forwarder = children.find(({ name }) => name === 'forwarder');
  }

  list(): readonly PluginInfo[] {
    return this.#registry.plugins.map((plugin) => this.#info(plugin));
  }

  /** One after the other: a plugin that is enabled while it still sweeps would go on without its rows. */
  change(name: string, wish: PluginWish): Promise<void> {
    const done = this.#lastChange.then(() => this.#change(name, wish));
    this.#lastChange = done.catch(() => undefined);
    return done;
  }

  async #change(name: string, wish: PluginWish): Promise<void> {
    const wasEnabled = this.#enablement.isEnabled(name);
    // kept before the sweep: from here on no write of its kinds is admitted that would make new rows
    await this.#enablement.change(name, wish);
    // what a plugin does not sweep itself (it hangs, or does not run) the forwarder removes once it knows that the plugin is disabled
    if (wasEnabled && wish.enabled === false) await this.#links.disable(name).catch(() => undefined);
    this.want();
    if (wish.enabled === true) this.#supervision.forgive(name);
    if (wasEnabled && wish.settings !== undefined && wish.enabled !== false) this.#supervision.restart(name);
  }

  restart(name: string): void {
    this.#supervision.restart(name);
  }

  forwarder(): ProcessInfo {
    const pid = this.#forwarder?.pid ?? null;
    return { state: pid === null ? 'stopped' : 'running', pid, restarts: this.#forwarder?.restarts ?? 0, rssBytes: residentBytes(pid) };
  }

  refusals(): ReturnType<PluginControl['refusals']> {
    return this.#refusals.counts().map(({ peer, act, count }) => ({ plugin: peer, act, count }));
  }

  metricsSources(): readonly MetricsSource[] {
    const enabled = this.#registry.plugins.filter(({ name }) => this.#enablement.isEnabled(name));
    const plugins = enabled.map(({ name }) => ({ process: name, read: (deadlineMs: number) => this.#links.metrics(name, deadlineMs) }));
    return [{ process: 'forwarder', read: this.#forwarderMetrics }, ...plugins];
  }

  operation(plugin: string, call: OperationInput, signal: AbortSignal): Promise<unknown> {
    return this.#links.operation(plugin, call, signal);
  }

  stream(plugin: string, call: OperationInput, signal: AbortSignal): AsyncIterable<unknown> {
    return this.#links.stream(plugin, call, signal);
  }

  #toRun(plugin: RegisteredPlugin): PluginToRun[] {
    const { name, folder, manifest } = plugin;
    if (manifest === null) return [];
    const { grants, puntClasses } = manifest;
    return [
      {
        name,
        entry: this.#entryOf(folder),
        grants,
        puntClasses,
        limits: this.#limitsOf(plugin),
        settings: this.#enablement.settings(name),
      },
    ];
  }

  #limitsOf({ name, manifest }: RegisteredPlugin): Limits {
    return limitsOf(manifest ?? {}, this.#limits[name]);
  }

  #info(plugin: RegisteredPlugin): PluginInfo {
    const { name, manifest } = plugin;
    const enabled = this.#enablement.isEnabled(name);
    const obstacle = this.#enablement.obstacle(name);
    const life = this.#supervision.state(name);
    const stopped = enabled ? 'failed' : 'disabled';
    return {
      name,
      version: manifest?.version ?? '',
      summary: manifest?.summary ?? '',
      enabled,
      state: obstacle === null ? states[life.phase] : stopped,
      reason: obstacle ?? life.reason,
      pid: life.pid,
      restarts: life.restarts,
      rssBytes: residentBytes(life.pid),
      needs: manifest?.needs ?? [],
      kinds: manifest?.kinds.map(({ kind }) => kind) ?? [],
      operations: manifest?.operations.map((operation) => operation.name) ?? [],
      settings: this.#enablement.settings(name),
      limits: this.#limitsOf(plugin),
      enforcement: this.#enforcement,
      disabling: this.#enablement.disabling(name),
    };
  }
}
