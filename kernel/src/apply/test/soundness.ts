/** What must hold between the objects of a store after every change, told from the store alone. */
import { formatKey, keyOf, type WeftObject } from '../../../contract/system/index.ts';
import { holdersOf, isDying } from '../finalizers.ts';
import { ownersOf } from '../owners.ts';
import { targetsOf } from '../references.ts';
import type { TestWorld } from './world.ts';

/** Sentences; none when all is well. */
export function flawsOf({ store, registry }: TestWorld): string[] {
  const objects = new Map(
    Object.keys(store.counts).flatMap((kind) => store.list(kind).map((object) => [formatKey(keyOf(object)), object])),
  );
  const flaws: string[] = [];
  for (const [id, object] of objects) {
    for (const target of targetsOf(registry, object)) {
      const found = objects.get(formatKey(target));
      if (found === undefined) flaws.push(`${id} refers to ${formatKey(target)}, which is gone`);
      else if (isDying(found) && !isDying(object)) flaws.push(`${id} refers to ${formatKey(target)}, which is being deleted`);
    }
    const { ownerReferences = [] } = object.metadata;
    const owned = ownersOf(registry, object).some((key, at) => {
      const owner = objects.get(formatKey(key));
      return owner !== undefined && !isDying(owner) && owner.metadata.uid === ownerReferences[at]?.uid;
    });
    if (ownerReferences.length > 0 && !owned && !isDying(object)) flaws.push(`${id} outlived its owners`);
  }
  return [
    ...flaws,
    ...forgotten(
      objects,
      (object) => targetsOf(registry, object).map(formatKey),
      (object) => holdersOf(registry, object).length > 0,
    ),
  ];
}

/** Dying objects that neither a plugin holds nor anything that stays refers to. */
function forgotten(
  objects: ReadonlyMap<string, WeftObject>,
  targets: (object: WeftObject) => readonly string[],
  isHeld: (object: WeftObject) => boolean,
): string[] {
  const staying = new Set<string>();
  const open = [...objects].flatMap(([id, object]) => (isDying(object) && !isHeld(object) ? [] : [id]));
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const object = objects.get(id);
    if (object === undefined || staying.has(id)) continue;
    staying.add(id);
    open.push(...targets(object));
  }
  return [...objects.keys()].filter((id) => !staying.has(id)).map((id) => `nothing holds ${id}, which is being deleted`);
}
