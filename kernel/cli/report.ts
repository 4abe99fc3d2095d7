/** The parts of `GET /v1/status` and `GET /v1/plugins` that the command shows. */
import type { Enforcement, Limits, WeftObject } from '../contract/system/index.ts';

export interface ProcessState {
  readonly state: string;
  readonly pid: number | null;
  readonly restarts?: number;
  readonly rssBytes?: number | null;
  readonly version?: string;
  readonly limits?: Limits;
  /** Why it does not run; empty when it does. */
  readonly reason?: string;
}

export interface PluginState extends ProcessState {
  readonly name: string;
  /** What disabling it would do, in sentences. */
  readonly disabling?: readonly string[];
}

export interface StatusReport {
  readonly healthy: boolean;
  /** The kernel runs: it answered. */
  readonly kernel: {
    readonly version: string;
    readonly pid: number;
    readonly uptimeSeconds: number;
    readonly revision: number;
    readonly rssBytes?: number | null;
  };
  readonly forwarder: ProcessState;
  readonly plugins: readonly PluginState[];
  /** How the limits of plugins are enforced here; null when nobody does. */
  readonly enforcement?: Enforcement | null;
  /** Objects by kind. */
  readonly counts: Readonly<Record<string, number>>;
  readonly alarms: readonly WeftObject[];
}
