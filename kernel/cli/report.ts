/** The parts of `GET /v1/status` and `GET /v1/plugins` that the command shows. */
import type { WeftObject } from '../contract/system/index.ts';

export interface ProcessState {
  readonly state: string;
  readonly pid: number | null;
  readonly restarts?: number;
  /** Why it does not run; empty when it does. */
  readonly reason?: string;
}

export interface PluginState extends ProcessState {
  readonly name: string;
}

export interface StatusReport {
  readonly healthy: boolean;
  /** The kernel runs: it answered. */
  readonly kernel: { readonly version: string; readonly pid: number; readonly uptimeSeconds: number; readonly revision: number };
  readonly forwarder: ProcessState;
  readonly plugins: readonly PluginState[];
  /** Objects by kind. */
  readonly counts: Readonly<Record<string, number>>;
  readonly alarms: readonly WeftObject[];
}
