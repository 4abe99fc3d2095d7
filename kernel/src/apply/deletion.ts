/** What a delete takes along, what of it stays for now, and what goes at last. */
import { fail, formatKey, keyOf, type ObjectKey, toWeftError, type WeftObject } from '../../contract/system/index.ts';
import { projectKind, roleKind } from '../registry/index.ts';
import { dying, holdersOf, isDying, withoutFinalizer } from './finalizers.ts';
import { invalid } from './input.ts';
import { dependantsOf, stillRefers } from './integrity.ts';
import { afterwards, type Intent, type Removal, type Step, type Steps, type World } from './intent.ts';
import { assertMayChange, assertRevision } from './may-change.ts';
import { ownedAlone } from './owners.ts';
import { targetsOf } from './references.ts';

/** @returns null when there is nothing to remove, and that is no error */
export function planRemoval(world: World, { key, ifMatch }: Removal, intent: Intent): Step | null {
  const before = world.store.get(key) ?? null;
  if (before === null) {
    if (intent.missingOk) return null;
    if (ifMatch === 'present') assertRevision(key, before, ifMatch);
    throw fail('NOT_FOUND', `${formatKey(key)} does not exist`, `list them with: weft get ${key.kind}`);
  }
  assertRevision(key, before, ifMatch);
  assertMayChange(world, key, before, null, intent.subject);
  return isDying(before) ? { key, before, change: null } : deletionOf(world, before);
}

/** The object stays, marked, until `settle` finds that nothing holds it. */
function deletionOf(world: World, before: WeftObject): Step {
  const key = keyOf(before);
  return { key, before, change: { op: 'delete', key, before, after: dying(world.registry, before, world.now().toISOString()) } };
}

/** Adds what goes with the deleted objects: what they owned, and in a cascade what refers to them. */
export function addFollowers(world: World, steps: Steps, intent: Intent): void {
  const open = [...steps.values()].flatMap(({ change }) => (change?.op === 'delete' ? [change.key] : []));
  for (let target = open.pop(); target !== undefined; target = open.pop()) {
    for (const key of followersOf(world, steps, target, intent)) {
      const before = world.store.get(key);
      if (before === undefined) continue;
      steps.set(formatKey(key), deletionOf(world, before));
      open.push(key);
    }
  }
}

function followersOf(world: World, steps: Steps, target: ObjectKey, intent: Intent): ObjectKey[] {
  const owned = ownedAlone(world, steps, target);
  const applied = owned.find((key) => steps.has(formatKey(key)));
  if (applied !== undefined) {
    const message = `is applied, and goes with its last owner ${formatKey(target)}`;
    throw invalid([{ object: formatKey(applied), pointer: '', message, fix: 'leave it out, or keep the owner' }]);
  }
  if (!intent.cascade) return owned;
  const dependants = dependantsOf(world, steps, target).filter((key) => !steps.has(formatKey(key)) && follows(intent, target, key));
  return [...new Map([...owned, ...dependants].map((key) => [formatKey(key), key])).values()];
}

/** Rights are nobody's dependants: they hold for other projects, too. What the asker may not delete stays, and is told of as a dependant. */
function follows({ assertMay }: Intent, target: ObjectKey, key: ObjectKey): boolean {
  if (target.kind === projectKind.kind && key.kind === roleKind.kind) return false;
  try {
    assertMay?.('delete', key);
    return true;
  } catch (thrown) {
    if (toWeftError(thrown).code === 'FORBIDDEN') return false;
    throw thrown;
  }
}

/** A plugin has put away what it made for these. Those that are not being deleted, or have another uid by now, are left out. */
export function planFinalization(world: World, keys: readonly (ObjectKey & { readonly uid?: string })[], plugin: string): Steps {
  const steps: Steps = new Map();
  for (const { uid, ...key } of keys) {
    const before = world.store.get(key);
    if (before === undefined || !isDying(before) || (uid !== undefined && before.metadata.uid !== uid)) continue;
    if (before.metadata.finalizers?.includes(plugin) !== true) continue;
    steps.set(formatKey(key), { key, before, change: { op: 'update', key, before, after: withoutFinalizer(before, plugin) } });
  }
  settle(
    world,
    steps,
    [...steps.values()].map(({ key }) => key),
  );
  return steps;
}

/**
 * Lets go what nothing holds any more: neither a plugin, nor a reference of something that stays.
 * @param seeds where to look; what they refer to is looked at as well, for it may have waited for them alone
 */
export function settle(world: World, steps: Steps, seeds: readonly ObjectKey[]): void {
  const leaving = unheld(world, steps, seeds);
  const open = [...leaving.values()];
  for (let key = open.pop(); key !== undefined; key = open.pop()) {
    const object = afterwards(world, steps, key);
    if (object === null || !leaving.has(formatKey(key)) || !isKept(world, steps, key, leaving)) continue;
    leaving.delete(formatKey(key));
    open.push(...targetsOf(world.registry, object));
  }
  for (const [id, key] of leaving) {
    const before = world.store.get(key) ?? null;
    steps.set(id, { key, before, change: { op: 'delete', key, before, after: null } });
  }
}

/** Dying objects that no plugin holds. */
function unheld(world: World, steps: Steps, seeds: readonly ObjectKey[]): Map<string, ObjectKey> {
  const found = new Map<string, ObjectKey>();
  const seen = new Set<string>();
  const open = [...seeds];
  for (let key = open.pop(); key !== undefined; key = open.pop()) {
    const id = formatKey(key);
    if (seen.has(id)) continue;
    seen.add(id);
    const object = afterwards(world, steps, key);
    if (object === null || !isDying(object) || holdersOf(world.registry, object).length > 0) continue;
    found.set(id, key);
    open.push(...targetsOf(world.registry, object));
  }
  return found;
}

/** Something that stays refers to it. */
function isKept(world: World, steps: Steps, key: ObjectKey, leaving: ReadonlyMap<string, ObjectKey>): boolean {
  return world.index.of(key).some((source) => !leaving.has(formatKey(source)) && stillRefers(world, steps, source, key));
}
