/** What the API needs of whoever runs the plugins. */

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

export interface PluginControl {
  list(): readonly PluginInfo[];
  /** Both survive restarts. Disabling stops the plugin and removes what it put into the forwarder, also when it hangs or does not run. */
  change(name: string, wish: PluginWish): Promise<void>;
  restart(name: string): void;
  forwarder(): ProcessInfo;
  /** Rejects with `UNAVAILABLE` and the reason. */
  operation(plugin: string, call: OperationInput, signal: AbortSignal): Promise<unknown>;
  stream(plugin: string, call: OperationInput, signal: AbortSignal): AsyncIterable<unknown>;
}

export interface OperationInput {
  readonly name: string;
  readonly project: string;
  readonly input: unknown;
  /** As a file: a stream of Buffers. */
  readonly file?: boolean;
}
