/**
 * A plugin's manifest: everything the kernel must know before it starts the plugin's process.
 * Generated from the plugin's `definePlugin` by `npm run gen`; never written by hand.
 */

/** Of the names of plugins, operations and verbs; such a name is fit for a file. */
export const identifierPattern = '^[a-z][a-z0-9-]{0,31}$';

export interface ColumnSpec {
  readonly title: string;
  /** JSON pointer into the object (kinds) or the item (operations). */
  readonly pointer: string;
  /** Only shown by `-o wide`. */
  readonly wide?: boolean;
}

export interface ReferenceSpec {
  /** JSON pointer with `*` for array items: `/spec/networks/*`. */
  readonly pointer: string;
  readonly kind: string;
}

/**
 * One step of a conversion between two schema versions of a kind. Pointers are JSON pointers into the object, below `/spec` or `/status`; `*` stands
 * for each item of a list. A step whose source is absent does nothing.
 */
export type ConverterStep =
  | { readonly op: 'move'; readonly from: string; readonly to: string }
  | { readonly op: 'default'; readonly at: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly at: string }
  /** Replaces one text by another; a text that is not listed stays. */
  | { readonly op: 'translate'; readonly at: string; readonly values: Readonly<Record<string, string>> };

/** From schema version `version - 1` to `version` (`up`) and back (`down`). */
export interface Converter {
  readonly version: number;
  readonly up: readonly ConverterStep[];
  readonly down: readonly ConverterStep[];
}

export interface KindSpec {
  readonly kind: string;
  /** As in URLs: `virtual-networks`. */
  readonly plural: string;
  /** Further names the CLI takes: `vn`. */
  readonly aliases?: readonly string[];
  readonly scope: 'project' | 'system';
  readonly summary: string;
  readonly schemaVersion: number;
  /** JSON Schema 2020-12 of `spec` (closed: additionalProperties false) and of `status`. */
  readonly spec: object;
  readonly status: object;
  readonly references: readonly ReferenceSpec[];
  readonly columns: readonly ColumnSpec[];
  /** One for each version above 1. */
  readonly converters?: readonly Converter[];
  /** Deleted objects stay, with `metadata.deletedAt`, until the plugin has put away what it made for them and says so (`objects.finalize`). */
  readonly finalizer?: boolean;
  /** JSON pointers of the fields below `/spec` that users may change of an object that a plugin manages. */
  readonly sharedFields?: readonly string[];
  /** Names that mean something in each project also while no object has them: references to them from the project hold. */
  readonly implied?: readonly string[];
}

export interface OperationSpec {
  /** Without the plugin's name: `leases`; served at `/v1/{project}/operations/{plugin}.{name}`. */
  readonly name: string;
  readonly summary: string;
  readonly stream: boolean;
  /** It only shows what a viewer of the project may see, and costs little: a viewer may run it. */
  readonly viewer?: boolean;
  readonly input: object;
  /** Schema of the reply, or of one item of a stream. */
  readonly output: object;
  /** Makes the CLI offer it as a verb. */
  readonly cli?: CliSpec;
  /** A stream that can also be a file: asked for it (`?file=true`), the handler gives Buffers, which joined are the file. The verb gets `-w FILE`. */
  readonly file?: { readonly mediaType: string };
  /** It explains words of this sort, such as `drop`: without input it answers `{items: Explanation[]}`, which `weft explain SORT [WORD]` shows. */
  readonly glossary?: string;
  /** Without input its answer for all projects holds nothing secret, and tells what the plugin does: it goes into support bundles. */
  readonly bundle?: boolean;
}

/** One word of a glossary. */
export interface Explanation {
  readonly name: string;
  readonly meaning: string;
  readonly advice: string;
}

/** Input fields become `--field` options. A reply `{items: [...]}`, or the items of a stream, are shown as a table. */
export interface CliSpec {
  readonly verb: string;
  readonly columns: readonly ColumnSpec[];
  /** The input field that is given without its name: `weft VERB VALUE`. */
  readonly argument?: string;
  /** Each item of the stream is a whole table, `{items: [...]}`: on a terminal it replaces the one before, elsewhere the first is all. */
  readonly refresh?: boolean;
  /** Each item of the stream is a part of one table, `{items: [...]}`. With the input flag `endless` it does not end: a line for each. */
  readonly parts?: { readonly endless?: string };
}

export interface PuntClassSpec {
  readonly name: string;
  /** Packets per second for the whole class, and its burst. */
  readonly rate: number;
  readonly burst: number;
  /** The same for each port. */
  readonly portRate: number;
  readonly portBurst: number;
}

export interface Grants {
  /** Row tables the plugin may write. */
  readonly rows: readonly string[];
  /** Kinds of other plugins it may read. */
  readonly reads: readonly string[];
  /** Kinds of other plugins it may create or delete. */
  readonly writes: readonly string[];
  /** It may open sockets of its own beside those to kernel and forwarder, such as to a name server; without it the process has no network at all. */
  readonly outside?: boolean;
  /** It gets a service port: sockets inside the networks, where its rows of table `service` lead VMs to. */
  readonly servicePort?: boolean;
}

/** What a plugin's process may use; the launcher enforces it. */
export interface Limits {
  /** Memory, MiB. */
  readonly memoryMib: number;
  /** Of one CPU; 200 are two. */
  readonly cpuPercent: number;
  /** Threads and processes. */
  readonly tasks: number;
  /** Content of its state folder, MiB. */
  readonly stateMib: number;
}

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly summary: string;
  /** Plugins that must serve before this one is ready; the order of admission. */
  readonly needs: readonly string[];
  readonly kinds: readonly KindSpec[];
  readonly operations: readonly OperationSpec[];
  readonly puntClasses: readonly PuntClassSpec[];
  readonly grants: Grants;
  /** Absent: the defaults of `limitsOf`. */
  readonly limits?: Partial<Limits>;
  /** JSON Schema of the plugin's settings. */
  readonly config: object;
  /** What users notice while the operator has it disabled, as a clause: `ports are closed`. An alarm says so until it is enabled again. */
  readonly whenDisabled?: string;
}
