/** What would be there after a transaction: the committed objects with its changes laid over them. */
import type { LogicalRouter, Port, Trunk, VirtualNetwork } from '@weft/kernel/contract/net';
import type { Change, WeftObject } from '@weft/kernel/contract/system';
import type { ObjectCache } from '@weft/kernel/sdk';

/** Objects by `project/name`. */
type ByName<T> = ReadonlyMap<string, T>;

export interface World {
  readonly networks: ByName<VirtualNetwork>;
  readonly ports: ByName<Port>;
  readonly trunks: ByName<Trunk>;
  readonly routers: ByName<LogicalRouter>;
  /** Ports by the `project/name` of their network. */
  readonly portsOf: ReadonlyMap<string, readonly Port[]>;
  /** `Kind/project/name` of everything that the transaction touches. */
  readonly changed: ReadonlySet<string>;
}

export function scopedName(object: WeftObject<object, object>): string {
  return `${object.metadata.project ?? ''}/${object.metadata.name}`;
}

/** The `project/name` that a reference (NAME or PROJECT/NAME) in an object of `project` means. */
export function resolve(project: string | undefined, reference: string): string {
  return reference.includes('/') ? reference : `${project ?? ''}/${reference}`;
}

/** `Kind/project/name` as messages and refusals name an object. */
export function titleOf(object: WeftObject<object, object>): string {
  return `${object.kind}/${scopedName(object)}`;
}

export function networkOf(port: Port): string {
  return resolve(port.metadata.project, port.spec.network);
}

export function worldAfter(cache: Pick<ObjectCache, 'list'>, changes: readonly Change[]): World {
  const ports = overlay<Port>(cache, 'Port', changes);
  const portsOf = new Map<string, Port[]>();
  for (const port of ports.values()) {
    const network = networkOf(port);
    const members = portsOf.get(network);
    if (members) members.push(port);
    else portsOf.set(network, [port]);
  }
  return {
    networks: overlay<VirtualNetwork>(cache, 'VirtualNetwork', changes),
    trunks: overlay<Trunk>(cache, 'Trunk', changes),
    routers: overlay<LogicalRouter>(cache, 'LogicalRouter', changes),
    ports,
    portsOf,
    changed: new Set(changes.map((change) => `${change.key.kind}/${change.key.project ?? ''}/${change.key.name}`)),
  };
}

/** Objects of one kind that the transaction creates or updates, in its order. */
export function writtenOf<T extends WeftObject<object, object>>(
  changes: readonly Change[],
  kind: string,
): readonly { before: T | null; after: T }[] {
  return changes.flatMap((change) =>
    change.key.kind === kind && change.after !== null
      ? [{ before: change.before as unknown as T | null, after: change.after as unknown as T }]
      : [],
  );
}

function overlay<T extends WeftObject<object, object>>(
  cache: Pick<ObjectCache, 'list'>,
  kind: string,
  changes: readonly Change[],
): Map<string, T> {
  const objects = new Map<string, T>();
  for (const object of cache.list(kind)) objects.set(scopedName(object), object as unknown as T);
  for (const change of changes)
    if (change.key.kind === kind && change.after === null) objects.delete(`${change.key.project ?? ''}/${change.key.name}`);
  for (const { after } of writtenOf<T>(changes, kind)) objects.set(scopedName(after), after);
  return objects;
}
