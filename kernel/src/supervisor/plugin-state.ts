/** A plugin as supervision sees it. */
import type { ProcessSpec } from '../../contract/system/index.ts';

/** An enabled plugin, as the registry and the settings describe it. */
export type PluginToRun = Omit<ProcessSpec, 'epoch'>;

/** `starting`: wanted, not ready yet; `ready`: serves; `restarting`: died or was stopped, will start again; `failed`: given up; `disabled`: not wanted. */
export type PluginPhase = 'starting' | 'ready' | 'restarting' | 'failed' | 'disabled';

export interface PluginState {
  readonly name: string;
  readonly phase: PluginPhase;
  /** Why it is not ready, in words a person can act on; empty when it is. */
  readonly reason: string;
  /** Of the phase; ISO 8601. */
  readonly since: string;
  readonly pid: number | null;
  /** Unwanted ends of the process since the launcher started. */
  readonly restarts: number;
}
