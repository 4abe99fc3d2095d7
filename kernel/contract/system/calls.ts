/** The typed channels between kernel and plugins. */
import type { FieldError } from './errors.ts';
import type { Change, ObjectEvent, ObjectInput, ObjectKey, WeftObject } from './object.ts';
import type { Stream, Unary } from './wire.ts';

/** Served by the kernel to each plugin on a socket of its own. */
export interface KernelCalls {
  /** First call after connecting: tells what was loaded; refused when the manifest differs from the registered one. `installed`: names of all plugins, enabled or not. */
  readonly hello: Unary<{ name: string; manifestHash: string; pid: number }, { revision: number; installed: readonly string[] }>;
  /** The plugin serves. */
  readonly ready: Unary<Record<string, never>, Record<string, never>>;
  readonly 'objects.list': Unary<{ kinds: readonly string[] }, { revision: number; objects: readonly WeftObject[] }>;
  /** Every event after `since`, once, in order. `REVISION_GONE` when the log no longer reaches back so far. Items are batches. */
  readonly 'objects.watch': Stream<{ kinds: readonly string[]; since: number }, readonly ObjectEvent[]>;
  /** One transaction; objects become managedBy the caller. Needs the grant `writes` for kinds of others. */
  readonly 'objects.apply': Unary<{ apply: readonly ObjectInput[]; delete: readonly ObjectKey[] }, { revision: number }>;
  /** Merges `status` (top-level fields; null removes one) into objects of the caller's own kinds, in one transaction. Objects that are gone, or whose uid is another by now, are skipped. */
  readonly 'objects.status': Unary<
    { updates: readonly { key: ObjectKey; uid?: string; status: Record<string, unknown> }[] },
    { revision: number }
  >;
  /** What the caller's finalizer stood for is put away: it is taken off, and objects without any left go. Those that are missing, not being deleted, or of another uid are skipped. */
  readonly 'objects.finalize': Unary<{ keys: readonly (ObjectKey & { readonly uid?: string })[] }, { revision: number }>;
  /** Raises or refreshes an alarm; `key` is unique within the plugin. */
  readonly 'alarm.set': Unary<{ key: string; severity: 'warning' | 'critical'; subject: string; text: string }, Record<string, never>>;
  readonly 'alarm.clear': Unary<{ key: string }, Record<string, never>>;
}

export interface AdmissionRequest {
  /** The committed revision on which these changes stand. */
  readonly revision: number;
  readonly dryRun: boolean;
  readonly changes: readonly Change[];
}
export interface AdmissionReply {
  readonly patches: readonly { readonly key: ObjectKey; readonly status: Record<string, unknown> }[];
  readonly refusals: readonly FieldError[];
}

/** Served by each plugin to the kernel. */
export interface PluginCalls {
  /** Liveness: must be answered by the plugin's event loop. */
  readonly ping: Unary<Record<string, never>, { lag: number }>;
  readonly admit: Unary<AdmissionRequest, AdmissionReply>;
  /** `projects`: those that the caller may see; absent: all. What is told of others must not name their objects. */
  readonly operation: Unary<{ name: string; project: string; projects?: readonly string[]; input: unknown }, unknown>;
  /** `file`: items are Buffers, parts of a file of the operation's media type. */
  readonly 'operation.stream': Stream<
    { name: string; project: string; projects?: readonly string[]; input: unknown; file?: boolean },
    unknown
  >;
  /** Its metrics in the Prometheus text format, without a label of its own name: the kernel adds `process`. */
  readonly metrics: Unary<Record<string, never>, { text: string }>;
  /** The operator disabled the plugin: sweep rows, then the process is stopped. */
  readonly disable: Unary<Record<string, never>, Record<string, never>>;
}
