/**
 * Decides which plugin processes should run and when one must be started anew; the launcher does it. Knows no socket and no process: it is told what
 * happens, and asks through `send`, `ping` and `alarm`.
 */
import type { ChildState, KernelToLauncher } from '../../contract/system/index.ts';
import { failpoint } from '../failpoints/index.ts';
import type { Clock } from './clock.ts';
import { PluginLife } from './plugin-life.ts';
import type { PluginState, PluginToRun } from './plugin-state.ts';
import { pingIntervalMs } from './rules.ts';

interface SupervisorOptions {
  readonly clock: Clock;
  readonly send: (message: KernelToLauncher) => void;
  /** Rejects when the plugin does not answer in time; never takes longer than the ping interval. */
  readonly ping: (name: string) => Promise<unknown>;
  /** Raises (text) or clears (null) the alarm about a plugin. */
  readonly alarm: (name: string, text: string | null) => void;
  /** Called after a plugin's state changed. */
  readonly onChange?: (state: PluginState) => void;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #lives = new Map<string, PluginLife>();
  readonly #stopTicking: () => void;
  #children: ReadonlyMap<string, ChildState> = new Map();
  #disabled: readonly string[] = [];
  #broken: readonly string[] = [];
  #lastTick: number;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#lastTick = options.clock.now();
    this.#stopTicking = options.clock.every(pingIntervalMs, () => this.#tick());
  }

  /**
   * The plugins that shall run now, those that the operator has disabled, and those that are enabled but cannot run (`broken`); tells the launcher.
   * Call it at start and after each enable, disable or new setting.
   */
  setWanted(plugins: readonly PluginToRun[], disabled: readonly string[], broken: readonly string[] = []): void {
    this.#disabled = disabled;
    this.#broken = broken;
    const wanted = new Map(plugins.map((plugin) => [plugin.name, plugin]));
    for (const [name, life] of this.#lives) {
      if (wanted.has(name)) continue;
      this.#lives.delete(name);
      life.forget();
    }
    for (const plugin of plugins) {
      const known = this.#lives.get(plugin.name);
      if (known !== undefined) known.plugin = plugin;
      else this.#lives.set(plugin.name, this.#newLife(plugin));
    }
    this.#sendWant();
  }

  /** What the launcher says about its children. */
  children(children: readonly ChildState[]): void {
    this.#children = new Map(children.map((child) => [child.name, child]));
    let changed = false;
    for (const [name, life] of this.#lives) {
      const child = this.#children.get(name);
      if (child === undefined) life.gone();
      else changed = life.child(child) || changed;
    }
    if (changed) this.#sendWant();
  }

  /** The plugin said `ready` on its channel. */
  ready(name: string): void {
    const life = this.#lives.get(name);
    if (life === undefined) return;
    life.ready();
    this.#options.send({ type: 'plugin-ready', name });
  }

  /** The operator wants it started anew; also brings a failed plugin back. Does nothing for a plugin that is not enabled. */
  restart(name: string): void {
    if (this.#lives.get(name)?.restart('restarted by the operator', true) === true) this.#sendWant();
  }

  /** It does what it may not and does not stop: its process is ended, which counts as a crash. */
  fault(name: string, text: string): void {
    if (this.#lives.get(name)?.fault(text) === true) this.#sendWant();
  }

  /** The operator enables it, maybe once more: earlier crashes count no longer. Brings a failed plugin back, leaves a running one alone. */
  forgive(name: string): void {
    if (this.#lives.get(name)?.forgive() === true) this.#sendWant();
  }

  /** State of an enabled plugin; of any other: disabled. */
  state(name: string): PluginState {
    const life = this.#lives.get(name);
    if (life !== undefined) return life.state();
    const reason = `disabled: enable it with weft plugin enable ${name}`;
    return { name, phase: 'disabled', reason, since: new Date(0).toISOString(), pid: null, restarts: 0 };
  }

  close(): void {
    this.#stopTicking();
  }

  #newLife(plugin: PluginToRun): PluginLife {
    const { clock, alarm, onChange } = this.#options;
    const life = new PluginLife(plugin, clock, alarm, (state) => onChange?.(state));
    const child = this.#children.get(plugin.name);
    if (child !== undefined) life.child(child);
    return life;
  }

  #sendWant(): void {
    failpoint('supervisor.before-want');
    const processes = [...this.#lives.values()].flatMap((life) => life.wanted() ?? []);
    const failed = [...this.#lives.values()].map((life) => life.state()).filter((state) => state.phase === 'failed');
    this.#options.send({ type: 'want', processes, failed: [...failed.map(({ name }) => name), ...this.#broken], disabled: this.#disabled });
  }

  #tick(): void {
    const now = this.#options.clock.now();
    // This process itself stood still: nobody had a chance to answer or to become ready, so everyone gets a round.
    const stoodStill = now - this.#lastTick > 2 * pingIntervalMs;
    this.#lastTick = now;
    let changed = false;
    for (const life of this.#lives.values()) {
      if (stoodStill) life.pardon();
      changed = life.tick() || changed;
      if (life.state().phase === 'ready') this.#ping(life);
    }
    if (changed) this.#sendWant();
  }

  #ping(life: PluginLife): void {
    const round = life.expectPong();
    this.#options.ping(life.plugin.name).then(
      () => life.pong(round),
      () => undefined,
    );
  }
}
