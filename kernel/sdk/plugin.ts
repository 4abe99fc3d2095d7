/**
 * The whole plugin API. A plugin's `index.ts` exports `definePlugin({...})` as default; `npm run gen` derives its manifest from it and
 * `sdk/run.ts` starts it in a process of its own.
 */
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import type { Static, TSchema } from 'typebox';
import type {
  CapturedFrame,
  CaptureRequest,
  Flow,
  FlowFilter,
  FlowStats,
  ForwarderCalls,
  NatAddressStats,
  NatBlock,
  NatEvent,
  PortState,
  PuntRecord,
  Row,
  RowKey,
  RuleStats,
  TableName,
  TraceStep,
} from '../contract/net/index.ts';
import type {
  AdmissionReply,
  AdmissionRequest,
  Grants,
  KindSpec,
  Limits,
  ObjectInput,
  ObjectKey,
  OperationSpec,
  PuntClassSpec,
  WeftObject,
} from '../contract/system/index.ts';
import type { Registry } from '../metrics/index.ts';

/** A row of one table. */
export type RowOf<Name extends TableName> = Extract<Row, { table: Name }>;

/** A cache of the objects of some kinds, kept up to date by the kernel's watch. Read it; never keep what it returns across an await and expect it unchanged. */
export interface ObjectCache {
  /** The revision that the cache has reached. */
  readonly revision: number;
  get<T extends WeftObject<object, object> = WeftObject>(key: ObjectKey): T | undefined;
  list<T extends WeftObject<object, object> = WeftObject>(kind: string, project?: string): readonly T[];
  /** Calls back after each batch of events with what changed, and once at start. Exceptions end the process. Returns an unsubscribe function. */
  onChange(listener: (changed: readonly ObjectKey[]) => void | Promise<void>): () => void;
  /**
   * Tells of every object there is, then of each that comes (no `before`), changes or goes (no `after`), before anything else sees the change: for
   * indexes that decide in `admit`. It must be quick; exceptions end the process. Returns an unsubscribe function.
   */
  follow(follower: (before: WeftObject | undefined, after: WeftObject | undefined) => void): () => void;
}

/**
 * The plugin's rows in the forwarder, as a whole. `replace` gives the complete wanted set (after start and after every reconnect the SDK sends it
 * under a new generation and sweeps); the SDK sends only differences. Resolves once the forwarder has published them. Rejects when the forwarder refuses a row.
 */
export interface RowSet {
  replace(rows: readonly Row[]): Promise<void>;
  /** Small changes: cheaper than replace, same guarantees. One call is published atomically. */
  update(upserts: readonly Row[], deletes: readonly RowKey[]): Promise<void>;
}

export interface Punts {
  /** Frames of one of the plugin's punt classes. The handler must not keep `record.frame` after it returned. */
  on(puntClass: string, handler: (records: Iterable<PuntRecord>) => void): void;
  /** Sends frames out of ports. Never blocks; under pressure frames are dropped and counted. */
  inject(records: readonly (Pick<PuntRecord, 'port' | 'generation' | 'frame'> & Partial<PuntRecord>)[]): void;
  /** Number of a punt class, for service rows. */
  classNumber(puntClass: string): number;
}

export interface Forwarder {
  stats(ports?: readonly number[]): Promise<ForwarderCalls['stats.read']['out']>;
  drops(ports?: readonly number[]): Promise<ForwarderCalls['drops.read']['out']>;
  /** The plugin's own rows of a table as the forwarder has them; of the tables that the forwarder itself writes, all rows. */
  rows<Name extends TableName>(table: Name): Promise<readonly RowOf<Name>[]>;
  /** Frames that pass a port, until the loop over them ends or `signal` aborts; see `ports.capture`. */
  capture(
    request: CaptureRequest,
    signal: AbortSignal,
  ): AsyncIterable<{ readonly frames: readonly CapturedFrame[]; readonly lost: number }>;
  /** What would happen to a frame that comes in through a port. */
  trace(port: number, frame: Buffer): Promise<readonly TraceStep[]>;
  /** Flows that there are, in parts. */
  flows(filter?: FlowFilter): AsyncIterable<readonly Flow[]>;
  flowStats(): Promise<FlowStats>;
  /** What happens to flows, until the loop over it ends or `signal` aborts; see `flows.watch`. */
  watchFlows(
    request: { readonly follow?: boolean },
    signal: AbortSignal,
  ): AsyncIterable<{ readonly flows: readonly Flow[]; readonly lost: number }>;
  ruleStats(): Promise<readonly RuleStats[]>;
  natStats(): Promise<readonly NatAddressStats[]>;
  /** Blocks of outside ports that ports have now, in parts. */
  natBlocks(): AsyncIterable<readonly NatBlock[]>;
  /** Events after a sequence (0: all that are kept), at most some hundred; empty: nothing new. */
  natEvents(after: number): Promise<readonly NatEvent[]>;
  /** All ports at once and after every reconnect, then changes. */
  onPorts(listener: (ports: readonly PortState[], removed: readonly number[]) => void): void;
}

/** Who speaks to a service port: told by the forwarder, never by anything that a VM writes. */
export interface Asker {
  /** Number of the port and its generation, as in punts. */
  readonly port: number;
  readonly generation: number;
  /** The service address that it spoke to, canonical, without a zone. */
  readonly address: string;
}

/** `peer` tells apart the sockets of one VM: who asks again from the same one has the same. */
export interface DatagramAsker extends Asker {
  readonly peer: string;
}

export interface ServiceListener {
  close(): Promise<void>;
}

/**
 * Real sockets inside the networks, for a plugin with `grants.servicePort`: what its rows of table `service` with action `port` name comes here. They
 * live in a namespace of the plugin's own, where every address is local; forwarder and plugin may restart without each other. Who asks and is no
 * known port (any more) is cut off.
 */
export interface ServicePort {
  /**
   * TCP connections to an L4 port, whatever the service address. The socket is paused: `resume()` or `pipe()` starts it; and half open (allowHalfOpen):
   * who is told `end` ends it himself. Resolves once it listens. Rejects with CONFLICT when the port is taken already.
   */
  listenTcp(l4Port: number, onConnection: (socket: Socket, asker: Asker) => void): Promise<ServiceListener>;
  /** Datagrams to one address and L4 port. `reply` answers from there; like `data` it may be kept. */
  bindUdp(
    address: string,
    l4Port: number,
    onDatagram: (data: Buffer, asker: DatagramAsker, reply: (data: Buffer) => void) => void,
  ): Promise<ServiceListener>;
}

export interface OperationCall {
  /** `-` asks about all projects. */
  readonly project: string;
  /** Those that the caller may see; absent: all. What is told of others must not name their objects. */
  readonly projects?: readonly string[];
  readonly signal: AbortSignal;
  /** The answer is wanted as the file that the operation's spec names: a stream of Buffers. */
  readonly file?: boolean;
}

export interface PluginContext<Config> {
  readonly name: string;
  readonly config: Config;
  /** The plugin's own folder; survives restarts. */
  readonly stateDir: string;
  readonly log: Logger;
  /** Names of the plugins that are installed, this one among them, whether enabled or not. Who has read it is started anew when that changes. */
  readonly installed: readonly string[];
  /** For metrics of the plugin's own, which `definition.metrics` makes: `weft_NAME_…`; every sample gets the label `process`, the plugin's name. */
  readonly metrics: Registry;
  readonly objects: ObjectCache;
  readonly rows: RowSet;
  readonly punts: Punts;
  readonly forwarder: Forwarder;
  /** Refuses everything without `grants.servicePort`. */
  readonly servicePort: ServicePort;
  /** Merges status fields of own objects. An object that took the place of the one in the cache is left alone. */
  setStatus(updates: readonly { key: ObjectKey; status: Record<string, unknown> }[]): Promise<void>;
  /**
   * Of own kinds with `finalizer`: what the plugin made for these deleted objects (`metadata.deletedAt`) is put away, they may go. To be said again for
   * those that are there at a start; what is not being deleted is left alone. With `uid` (of `metadata`) also what took the place of that one meanwhile.
   */
  finalize(keys: readonly (ObjectKey & { readonly uid?: string })[]): Promise<void>;
  apply(objects: readonly ObjectInput[], remove?: readonly ObjectKey[]): Promise<void>;
  alarm(key: string, alarm: { severity: 'warning' | 'critical'; subject: string; text: string } | null): Promise<void>;
}

export interface Plugin {
  /** Decides about changes to the plugin's own kinds. Absent: everything that fits the schema is admitted. Must not act on the outside. */
  admit?(request: AdmissionRequest): AdmissionReply | Promise<AdmissionReply>;
  /** Handlers by operation name; a stream operation returns an async iterable. */
  operations?: Record<string, (input: never, call: OperationCall) => unknown>;
  /** The operator disables the plugin: the last chance to tell VMs, before its rows go. Not called when it is only stopped or started again. */
  disable?(): void | Promise<void>;
  /** Before an orderly stop. */
  stop?(): void | Promise<void>;
}

export interface PluginDefinition<Config extends TSchema = TSchema> {
  readonly name: string;
  readonly summary: string;
  readonly needs?: readonly string[];
  readonly kinds?: readonly KindSpec[];
  readonly operations?: readonly OperationSpec[];
  readonly puntClasses?: readonly PuntClassSpec[];
  readonly grants?: Partial<Grants>;
  readonly limits?: Partial<Limits>;
  readonly config: Config;
  /** What users notice while the operator has it disabled, as a clause: an alarm says so until it is enabled again. */
  readonly whenDisabled?: string;
  /** Makes the plugin's own metrics in a registry, for `start` (with `context.metrics`) and for the reference. */
  readonly metrics?: (registry: Registry) => unknown;
  /** Called once, connected to kernel and forwarder, with the cache filled. The plugin is ready when the promise resolves. */
  start(context: PluginContext<Static<Config>>): Plugin | Promise<Plugin>;
}

/** Names the definition's types; does nothing else. */
export function definePlugin<Config extends TSchema>(definition: PluginDefinition<Config>): PluginDefinition<Config> {
  return definition;
}
