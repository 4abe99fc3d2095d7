/** Objects that others own: a plugin says so of what it writes, and they go with the last of their owners. */
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { type FieldError, formatKey, keyOf, type Metadata, type ObjectKey, type WeftObject } from '../../contract/system/index.ts';
import type { Registry } from '../registry/index.ts';
import { living } from './finalizers.ts';
import { invalid, type Wanted } from './input.ts';
import { afterwards, type Step, type World } from './intent.ts';
import { ownerKey, ownersPointer } from './owner-input.ts';
import type { Subject } from './subject.ts';

type OwnerReferences = NonNullable<Metadata['ownerReferences']>;

/** Uids of the objects that a request creates, known before they are: an owner may come after what it owns. */
export class NewUids {
  readonly #uids = new Map<string, string>();

  of(key: ObjectKey): string {
    const id = formatKey(key);
    const uid = this.#uids.get(id) ?? randomUUID();
    this.#uids.set(id, uid);
    return uid;
  }
}

/** Who owns an object. */
export function ownersOf(registry: Registry, { metadata }: WeftObject): ObjectKey[] {
  return (metadata.ownerReferences ?? []).map(({ kind, name }) => ownerKey(registry, kind, name, metadata.project));
}

/** The owners that an object gets. Only plugins choose them; from anybody else they are taken as they are. @throws INVALID */
export function ownersWanted(world: World, wanted: Wanted, before: WeftObject | null, subject: Subject, uids: NewUids): OwnerReferences {
  const present = before?.metadata.ownerReferences ?? [];
  const { owners } = wanted;
  if (subject.kind === 'plugin') {
    return (owners ?? []).map((key) => ({ kind: key.kind, name: key.name, uid: world.store.get(key)?.metadata.uid ?? uids.of(key) }));
  }
  if (owners === undefined || isDeepStrictEqual(owners.map(plain), present.map(plain))) return present;
  const fix = before === null ? 'leave it out' : 'leave it out, or write what is there';
  throw invalid([{ object: formatKey(wanted.key), pointer: ownersPointer, message: 'only plugins say who owns an object', fix }]);
}

function plain({ kind, name }: { readonly kind: string; readonly name: string }): object {
  return { kind, name };
}

/** Owners of a new or changed object that are not there. */
export function missingOwners(world: World, steps: ReadonlyMap<string, Step>, object: WeftObject, before: WeftObject | null): FieldError[] {
  const present = before?.metadata.ownerReferences ?? [];
  return ownersOf(world.registry, object).flatMap((key, at) => {
    const { uid } = object.metadata.ownerReferences?.[at] ?? {};
    // one of several owners may have gone since
    if (present.some((one) => one.uid === uid)) return [];
    if (living(afterwards(world, steps, key))?.metadata.uid === uid) return [];
    const message = `${formatKey(key)} does not exist`;
    const fix = 'name an owner that exists, or create it in the same request';
    return [{ object: formatKey(keyOf(object)), pointer: `${ownersPointer}/${at}/name`, message, fix }];
  });
}

/** Those that `owner` owns, and that have no other owner once the steps are done. */
export function ownedAlone(world: World, steps: ReadonlyMap<string, Step>, owner: ObjectKey): ObjectKey[] {
  return world.owned.of(owner).filter((key) => {
    const object = living(afterwards(world, steps, key));
    const references = object?.metadata.ownerReferences ?? [];
    if (object === null || references.length === 0) return false;
    const keys = ownersOf(world.registry, object);
    return references.every(({ uid }, at) => {
      const present = keys[at] === undefined ? null : living(afterwards(world, steps, keys[at]));
      return present?.metadata.uid !== uid;
    });
  });
}
