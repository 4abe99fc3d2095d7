/** What the API needs of whoever runs the plugins. */
import type { Enforcement, Limits } from '../../contract/system/index.ts';

export interface PluginInfo {
  readonly name: string;
  readonly version: string;
  readonly summary: string;
  readonly enabled: boolean;
  readonly state: 'disabled' | 'starting' | 'running' | 'restarting' | 'failed';
  /** Why it does not run; empty when it does. */
  readonly reason: string;
  readonly pid: number | null;
  readonly restarts: number;
  readonly rssBytes: number | null;
  readonly needs: readonly string[];
  readonly kinds: readonly string[];
  readonly operations: readonly string[];
  readonly settings: Readonly<Record<string, unknown>>;
  readonly limits: Limits;
  /** How they are enforced here; null when nobody does. */
  readonly enforcement: Enforcement | null;
  /** What disabling it would do, one sentence each; none when it is disabled. */
  readonly disabling: readonly string[];
}

export interface ProcessInfo {
  readonly state: 'running' | 'stopped';
  readonly pid: number | null;
  readonly restarts: number;
  readonly rssBytes: number | null;
}

/** What the operator asks of a plugin; what is left out stays as it is. */
export interface PluginWish {
  readonly enabled?: boolean;
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** A process beside the kernel, and how to read what it tells of itself: Prometheus text. `read` rejects when it does not answer in time. */
export interface MetricsSource {
  readonly process: string;
  readonly read: (deadlineMs: number) => Promise<string>;
}

export interface PluginControl {
  list(): readonly PluginInfo[];
  /** Both survive restarts. Disabling stops the plugin and removes what it put into the forwarder, also when it hangs or does not run. */
  change(name: string, wish: PluginWish): Promise<void>;
  restart(name: string): void;
  forwarder(): ProcessInfo;
  /** Of all that should run. */
  metricsSources(): readonly MetricsSource[];
  /** What plugins were refused on their channels since the kernel started. `act`: a method, or an act of the bus such as `malformed`. */
  refusals(): readonly { readonly plugin: string; readonly act: string; readonly count: number }[];
  /** Rejects with `UNAVAILABLE` and the reason. */
  operation(plugin: string, call: OperationInput, signal: AbortSignal): Promise<unknown>;
  stream(plugin: string, call: OperationInput, signal: AbortSignal): AsyncIterable<unknown>;
}

export interface OperationInput {
  readonly name: string;
  readonly project: string;
  readonly input: unknown;
  /** Those that the caller may see; absent: all. */
  readonly projects?: readonly string[];
  /** As a file: a stream of Buffers. */
  readonly file?: boolean;
}
