/** What would be there after a transaction: the committed objects with its changes laid over them. */
import type { LogicalRouter, Port, Uplink, VirtualNetwork } from '@weft/kernel/contract/net';
import { type Change, formatKey, keyOf, type WeftObject } from '@weft/kernel/contract/system';
import type { Committed } from './committed.ts';

/** RFC 8200 §5. */
export const smallestIpv6Mtu = 1280;

export interface World {
  readonly committed: Committed;
  readonly networks: Overlay<VirtualNetwork>;
  readonly routers: Overlay<LogicalRouter>;
  /** Of no project: by `/name`. */
  readonly uplinks: Overlay<Uplink>;
  /** `Kind/project/name` (of no project: `Kind/name`) of everything that the transaction touches. */
  readonly changed: ReadonlySet<string>;
}

/** Committed objects of one kind, by `project/name`, with the changes of a transaction laid over them. */
class Overlay<T> {
  readonly #committed: ReadonlyMap<string, T>;
  /** null: deleted. */
  readonly #changed: ReadonlyMap<string, T | null>;

  constructor(committed: ReadonlyMap<string, T>, changed: ReadonlyMap<string, T | null>) {
    this.#committed = committed;
    this.#changed = changed;
  }

  get(name: string): T | undefined {
    const changed = this.#changed.get(name);
    return changed === undefined ? this.#committed.get(name) : (changed ?? undefined);
  }

  *values(): Generator<T> {
    for (const [name, object] of this.#committed) if (!this.#changed.has(name)) yield object;
    for (const object of this.#changed.values()) if (object !== null) yield object;
  }
}

export function scopedName(object: WeftObject<object, object>): string {
  return `${object.metadata.project ?? ''}/${object.metadata.name}`;
}

/** The `project/name` that a reference (NAME or PROJECT/NAME) in an object of `project` means. */
export function resolve(project: string | undefined, reference: string): string {
  return reference.includes('/') ? reference : `${project ?? ''}/${reference}`;
}

/** `Kind/project/name` or `Kind/name`, as messages and refusals name an object. */
export function titleOf(object: WeftObject<object, object>): string {
  return formatKey(keyOf(object));
}

/** What an object is called where those of `reader`'s project read it: nobody learns what others have. */
export function titleFor({ metadata }: WeftObject<object, object>, title: string): string {
  const [kind, project, name] = title.split('/');
  const isOwn = name === undefined || metadata.project === undefined || metadata.project === project;
  return isOwn ? title : `a ${kind} of another project`;
}

export function networkOf(port: Port): string {
  return resolve(port.metadata.project, port.spec.network);
}

export function worldAfter(committed: Committed, changes: readonly Change[]): World {
  return {
    committed,
    networks: new Overlay(committed.networks, changedOf<VirtualNetwork>(changes, 'VirtualNetwork')),
    routers: new Overlay(committed.routers, changedOf<LogicalRouter>(changes, 'LogicalRouter')),
    uplinks: new Overlay(committed.uplinks, changedOf<Uplink>(changes, 'Uplink')),
    changed: new Set(changes.map(({ key }) => formatKey(key))),
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

function changedOf<T extends WeftObject<object, object>>(changes: readonly Change[], kind: string): ReadonlyMap<string, T | null> {
  const own = changes.filter(({ key }) => key.kind === kind);
  return new Map(own.map(({ key, after }) => [`${key.project ?? ''}/${key.name}`, after as unknown as T | null]));
}
