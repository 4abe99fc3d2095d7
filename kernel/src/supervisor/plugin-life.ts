/** The life of one enabled plugin as a state machine: events in, state and wishes out. */
import type { ChildState, ProcessSpec } from '../../contract/system/index.ts';
import { failpoint } from '../failpoints/index.ts';
import type { Clock } from './clock.ts';
import type { PluginPhase, PluginState, PluginToRun } from './plugin-state.ts';
import { crashesAllowed, crashWindowMs, missesAllowed, overuseToldMs, readyDeadlineMs } from './rules.ts';

export class PluginLife {
  plugin: PluginToRun;
  readonly #clock: Clock;
  readonly #alarm: (name: string, text: string | null) => void;
  readonly #onChange: (state: PluginState) => void;
  #phase: PluginPhase = 'starting';
  #reason = 'its process is being started';
  #since = new Date().toISOString();
  #child: ChildState | null = null;
  /** When the present wait for `ready` began. */
  #waitingSince: number;
  #crashes: number[] = [];
  /** When it last went beyond a limit. */
  #overuseAt = Number.NEGATIVE_INFINITY;
  #unready = 0;
  #misses = 0;
  #round = 0;
  #epoch = 0;

  constructor(
    plugin: PluginToRun,
    clock: Clock,
    alarm: (name: string, text: string | null) => void,
    onChange: (state: PluginState) => void,
  ) {
    this.plugin = plugin;
    this.#clock = clock;
    this.#alarm = alarm;
    this.#onChange = onChange;
    this.#waitingSince = clock.now();
  }

  state(): PluginState {
    const { name } = this.plugin;
    const pid = this.#child?.pid ?? null;
    return { name, phase: this.#phase, reason: this.#reason, since: this.#since, pid, restarts: this.#child?.restarts ?? 0 };
  }

  /** What the launcher should run; null once the plugin has failed. */
  wanted(): ProcessSpec | null {
    return this.#phase === 'failed' ? null : { ...this.plugin, epoch: this.#epoch };
  }

  /** News of the process. Returns whether the wish changed. */
  child(child: ChildState): boolean {
    const former = this.#child;
    this.#child = child;
    // The first news are history: the kernel may have started later than the plugin.
    const died = former !== null && child.restarts > former.restarts;
    if (former?.pid !== child.pid && child.pid !== null && this.#phase !== 'failed') {
      this.#waitingSince = this.#clock.now();
      this.#enter('starting', 'its process has started and is not ready yet');
    }
    if (died) failpoint('supervisor.child-ended');
    if (died) return this.#crashed(describeExit(child), child.exit?.overuse);
    if (child.pid === null && (this.#phase === 'ready' || this.#phase === 'starting')) this.#enter('restarting', describeExit(child));
    return false;
  }

  /** The launcher has no process of it any more. */
  gone(): void {
    if (this.#child !== null) this.#child = { ...this.#child, pid: null };
  }

  ready(): void {
    if (this.#phase === 'failed') return;
    this.#misses = 0;
    this.#unready = 0;
    this.#enter('ready', '');
    if (!this.#overuseIsNews()) this.#alarm(this.plugin.name, null);
  }

  /** Wants the process started anew. Returns whether the wish changed. */
  restart(reason: string, forgive: boolean): boolean {
    if (forgive) this.#clearCrashes();
    this.#epoch += 1;
    this.#misses = 0;
    this.#waitingSince = this.#clock.now();
    this.#enter('restarting', reason);
    return true;
  }

  /** It does what it may not and does not stop: it is ended and started anew, which counts as a crash. Returns whether the wish changed. */
  fault(text: string): boolean {
    if (this.#phase === 'failed') return false;
    if (this.#crashed(text)) return true;
    this.#alarm(this.plugin.name, `plugin ${this.plugin.name}: ${text}`);
    return this.restart(text, false);
  }

  /** Earlier crashes do not count; one that has failed starts anew. Returns whether the wish changed. */
  forgive(): boolean {
    this.#clearCrashes();
    return this.#phase === 'failed' && this.restart('enabled again by the operator', true);
  }

  /** Nothing that was due lately counts. */
  pardon(): void {
    this.#misses = 0;
    this.#round += 1;
    this.#waitingSince = this.#clock.now();
  }

  /** The passing of time. Returns whether the wish changed. */
  tick(): boolean {
    if (this.#phase === 'ready') {
      if (this.#overuseAt > Number.NEGATIVE_INFINITY && !this.#overuseIsNews()) this.#forgetOveruse();
      if (this.#misses < missesAllowed) return false;
      const text = `it left ${missesAllowed} pings unanswered and is being restarted`;
      this.#alarm(this.plugin.name, `plugin ${this.plugin.name}: ${text}`);
      return this.restart(text, false);
    }
    if (this.#phase === 'failed' || this.#clock.now() - this.#waitingSince <= readyDeadlineMs) return false;
    this.#unready += 1;
    const text = `it was not ready ${readyDeadlineMs / 1000} s after its start and is being restarted; see: weft plugin logs ${this.plugin.name}`;
    if (this.#unready >= missesAllowed) this.#alarm(this.plugin.name, `plugin ${this.plugin.name}: ${text}`);
    return this.restart(text, false);
  }

  /** A ping goes out; counts as missed until its pong. */
  expectPong(): number {
    this.#misses += 1;
    return this.#round;
  }

  pong(round: number): void {
    if (round === this.#round) this.#misses = 0;
  }

  /** The plugin is no longer wanted. */
  forget(): void {
    this.#alarm(this.plugin.name, null);
  }

  #clearCrashes(): void {
    this.#crashes = [];
    this.#unready = 0;
    this.#overuseAt = Number.NEGATIVE_INFINITY;
  }

  #overuseIsNews(): boolean {
    return this.#clock.now() - this.#overuseAt < overuseToldMs;
  }

  #forgetOveruse(): void {
    this.#overuseAt = Number.NEGATIVE_INFINITY;
    this.#alarm(this.plugin.name, null);
  }

  /** A slow leak is no crash loop: somebody must hear of it all the same. */
  #tellOveruse(overuse: string): void {
    const { name } = this.plugin;
    this.#overuseAt = this.#clock.now();
    const fix = `if its work needs more, raise limits.${name} in the settings; see: weft plugin logs ${name}`;
    this.#alarm(name, `plugin ${name}: ${overuse} and was started again at ${new Date().toISOString()}; ${fix}`);
  }

  #crashed(how: string, overuse?: string): boolean {
    const now = this.#clock.now();
    this.#crashes = [...this.#crashes.filter((at) => now - at < crashWindowMs), now];
    if (this.#crashes.length < crashesAllowed) {
      if (overuse !== undefined) this.#tellOveruse(overuse);
      if (this.#child?.pid === null) this.#enter('restarting', how);
      return false;
    }
    const { name } = this.plugin;
    const text = `it ended ${crashesAllowed} times within ${crashWindowMs / 1000} s and stays down (${how}); see: weft plugin logs ${name}; then: weft plugin restart ${name}`;
    this.#enter('failed', text);
    this.#alarm(name, `plugin ${name}: ${text}`);
    return true;
  }

  #enter(phase: PluginPhase, reason: string): void {
    if (phase === this.#phase && reason === this.#reason) return;
    this.#phase = phase;
    this.#reason = reason;
    this.#since = new Date().toISOString();
    this.#onChange(this.state());
  }
}

function describeExit({ exit }: ChildState): string {
  if (exit === undefined) return 'its process is being started';
  if (exit.overuse !== undefined) return exit.overuse;
  return exit.signal === null ? `its process ended with exit code ${exit.code}` : `its process was ended by ${exit.signal}`;
}
