/** The shape of every object in the store. */

export const apiVersion = 'weft/v1';
export const defaultProject = 'default';

export interface Metadata {
  readonly name: string;
  /** Absent for system kinds. */
  readonly project?: string;
  readonly uid: string;
  /** Store revision of the last change of this object. */
  readonly revision: number;
  /** Counts changes of `spec`. */
  readonly generation: number;
  readonly createdAt: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly { readonly kind: string; readonly name: string; readonly uid: string }[];
  /** Plugins that have something to put away before it may go: see `KindSpec.finalizer`. */
  readonly finalizers?: readonly string[];
  /** RFC 3339. Somebody asked to delete it; it goes once `finalizers` is empty and nothing that goes itself refers to it. Until then it may not be changed. */
  readonly deletedAt?: string;
  /** The plugin that wrote it, when a plugin did. */
  readonly managedBy?: string;
  /** System-wide visibility of a project object: others may reference it as `PROJECT/NAME`. */
  readonly shared?: boolean;
}

export interface WeftObject<Spec = Record<string, unknown>, Status = Record<string, unknown>> {
  readonly apiVersion: typeof apiVersion;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly spec: Spec;
  readonly status: Status;
}

/** What a user may write: metadata beyond the name is optional, status is refused. */
export interface ObjectInput {
  readonly apiVersion?: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly project?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly shared?: boolean;
    /** Only plugins may say it: the object goes, in the same transaction, when the last of its owners does. */
    readonly ownerReferences?: readonly { readonly kind: string; readonly name: string }[];
  };
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** Identity of an object. `project` is absent for system kinds. */
export interface ObjectKey {
  readonly kind: string;
  readonly project?: string;
  readonly name: string;
}

export function keyOf(object: { kind: string; metadata: { name: string; project?: string } }): ObjectKey {
  const { name, project } = object.metadata;
  return project === undefined ? { kind: object.kind, name } : { kind: object.kind, project, name };
}

/** `Kind/project/name` or `Kind/name`: how messages name an object. */
export function formatKey(key: ObjectKey): string {
  return key.project === undefined ? `${key.kind}/${key.name}` : `${key.kind}/${key.project}/${key.name}`;
}

/** What a reference field of an object in `project` names: `NAME` in the same project, or `PROJECT/NAME`. */
export function referencedKey(kind: string, reference: string, project: string | undefined): ObjectKey {
  const slash = reference.indexOf('/');
  if (slash >= 0) return { kind, project: reference.slice(0, slash), name: reference.slice(slash + 1) };
  return project === undefined ? { kind, name: reference } : { kind, project, name: reference };
}

/** One entry of the change log. `before` is null on creation, `after` on deletion. */
export interface ObjectEvent {
  readonly revision: number;
  readonly type: 'created' | 'updated' | 'deleted';
  readonly object: WeftObject;
}

/** One pending change inside an admission. `after` of a delete is null, or the object as it stays until its finalizers are done: with `deletedAt`. */
export interface Change {
  readonly op: 'create' | 'update' | 'delete';
  readonly key: ObjectKey;
  readonly before: WeftObject | null;
  readonly after: WeftObject | null;
}
