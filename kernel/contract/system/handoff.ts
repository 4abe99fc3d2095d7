/** What the launcher hands to a child (descriptor 3, one JSON document), and what both say over Node IPC afterwards. */
import type { Grants, Limits, PuntClassSpec } from './manifest.ts';

/** Z85 text, 40 characters. */
export interface KeyPair {
  readonly publicKey: string;
  readonly secretKey: string;
}

export interface Handoff {
  readonly name: string;
  /** Absolute paths as the child sees them. */
  readonly runDir: string;
  readonly stateDir: string;
  readonly logLevel: string;
  /** One-time keys of this child; for kernel and forwarder: their server keys. */
  readonly keys: KeyPair;
  /** Public keys of the two servers. */
  readonly servers: { readonly kernel: string; readonly forwarder: string };
  /** Host settings for kernel and forwarder, the plugin's own settings for a plugin. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Path of the API socket; kernel only. */
  readonly apiSocket?: string;
  /** What secrets are sealed with in the store, 32 bytes as base64; kernel only. */
  readonly secretKey?: string;
  /** Where the API listens on the network; kernel only. */
  readonly tls?: TlsHandoff;
  /** Stands in the names of the links it makes; forwarder only. */
  readonly linkTag?: string;
  /** Inherited descriptor of the audit log, open for appending; kernel only. */
  readonly auditDescriptor?: number;
  /** Folder of all processes' logs, `<process>.log`, to read; kernel only. */
  readonly logDir?: string;
  /** How the limits of plugins are enforced here; kernel only. */
  readonly enforcement?: Enforcement;
}

/** `group`: by a control group, at once; `watch`: looked at now and then, and ended when beyond; `user`: with all else that its uid runs on this host. */
export interface Enforcement {
  readonly memory: 'group' | 'watch';
  readonly cpu: 'group' | 'none';
  readonly tasks: 'group' | 'user';
}

/** The sockets of one plugin: bound by kernel and forwarder, in folders that this plugin alone gets to see. */
export function plugSockets(runDir: string, plugin: string): Readonly<Record<'kernel' | 'control' | 'punts' | 'service', string>> {
  const of = (server: string, name: string): string => `${runDir}/${server}/${plugin}/${name}.sock`;
  return {
    kernel: of('kernel', 'control'),
    control: of('forwarder', 'control'),
    punts: of('forwarder', 'punt'),
    service: of('forwarder', 'service'),
  };
}

export interface TlsHandoff {
  readonly host: string;
  readonly port: number;
  /** PEM, with its chain. */
  readonly certificate: string;
  readonly key: string;
  /** PEM of the authority that signs client certificates. */
  readonly clientCa?: string;
  /** PEM of its revocation list. */
  readonly crl?: string;
}

/** What the kernel wants to run. */
export interface ProcessSpec {
  readonly name: string;
  /** Program file, relative to the program folder or absolute as the kernel sees it; loaded by `kernel/sdk/run.ts`. */
  readonly entry: string;
  readonly grants: Grants;
  readonly puntClasses: readonly PuntClassSpec[];
  readonly limits: Limits;
  readonly settings: Readonly<Record<string, unknown>>;
  /** Counts wanted restarts within one life of the kernel: a change makes the launcher restart the process. */
  readonly epoch: number;
}

export interface ChildState {
  readonly name: string;
  readonly pid: number | null;
  readonly publicKey: string;
  readonly startedAt: string;
  /** Ends of the process that nobody asked for, since the launcher started. */
  readonly restarts: number;
  readonly exit?: {
    readonly code: number | null;
    readonly signal: string | null;
    readonly at: string;
    /** The limit that it went beyond, as "it used more than its 256 MiB of memory". */
    readonly overuse?: string;
  };
}

export interface Want {
  readonly type: 'want';
  readonly processes: readonly ProcessSpec[];
  /** Enabled plugins that the kernel has given up, or that cannot run at all; Weft is not ready while there are any. */
  readonly failed: readonly string[];
  /** Installed plugins that the operator has disabled: none of their rows stay in the forwarder. */
  readonly disabled: readonly string[];
}

/** The kernel asks for the forwarder's metrics; the launcher, which alone speaks to both, passes question and answer on as they are. */
export interface MetricsQuestion {
  readonly type: 'metrics';
  readonly id: number;
}

export interface MetricsAnswer extends MetricsQuestion {
  /** Prometheus text format. */
  readonly text: string;
}

export type KernelToLauncher =
  | { readonly type: 'ready' }
  | Want
  | MetricsQuestion
  | { readonly type: 'plugin-ready'; readonly name: string };

export type LauncherToKernel = { readonly type: 'children'; readonly children: readonly ChildState[] } | MetricsAnswer;

export type ForwarderToLauncher = { readonly type: 'ready' } | MetricsAnswer;
export type LauncherToForwarder = PeerNews | MetricsQuestion;

/** Who may talk to the forwarder. */
export interface PeerNews {
  readonly type: 'peers';
  readonly peers: Readonly<Record<string, Peer>>;
  /** The rows of these are removed. Those of any other plugin that is no peer (crashed, uninstalled) stay. */
  readonly disabled: readonly string[];
}

export interface Peer {
  readonly publicKey: string;
  readonly grants: Grants;
  readonly puntClasses: readonly PuntClassSpec[];
}
