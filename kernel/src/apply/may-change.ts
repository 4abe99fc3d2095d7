/** Who may change an object, and from which state of it. */
import { fail, formatKey, type ObjectKey, type WeftObject } from '../../contract/system/index.ts';
import { refuseBuiltin } from './builtin.ts';
import { holdersOf } from './finalizers.ts';
import { invalid, type Precondition } from './input.ts';
import type { World } from './intent.ts';
import { firstDifference, withValueOf } from './plain-data.ts';
import type { Subject } from './subject.ts';

/** @throws REVISION_MISMATCH */
export function assertRevision(key: ObjectKey, before: WeftObject | null, wanted: Precondition | undefined): void {
  const is = before?.metadata.revision;
  if (wanted === undefined || wanted === is || wanted === (is === undefined ? 'absent' : 'present')) return;
  const now = is === undefined ? 'does not exist' : `is at revision ${is}`;
  const message = typeof wanted === 'number' ? `${formatKey(key)} ${now}, not at revision ${wanted}` : `${formatKey(key)} ${now}`;
  throw fail('REVISION_MISMATCH', message, 'read it again and repeat your change on what it is now');
}

/** What is being deleted is not changed any more. @throws CONFLICT */
export function assertStays({ registry }: World, key: ObjectKey, before: WeftObject | null): void {
  if (before?.metadata.deletedAt === undefined) return;
  const holders = holdersOf(registry, before);
  const why = holders.length === 0 ? 'something that refers to it still goes' : `${holders.join(', ')} still puts away what it made for it`;
  throw fail('CONFLICT', `${formatKey(key)} is being deleted: ${why}`, `wait until it is gone: weft get ${key.kind} ${key.name}`);
}

/**
 * Objects that a plugin wrote are that plugin's, but for the fields that their kind shares; the kernel's own kinds have rules of their own.
 * @param after null: it is to be deleted
 * @throws FORBIDDEN, CONFLICT
 */
export function assertMayChange(world: World, key: ObjectKey, before: WeftObject | null, after: WeftObject | null, subject: Subject): void {
  refuseBuiltin(key, subject);
  if (before === null) return;
  const manager = before.metadata.managedBy;
  if (manager === undefined && subject.kind === 'plugin') {
    throw fail('CONFLICT', `${formatKey(key)} was not written by the plugin ${subject.name}`, 'choose another name');
  }
  if (manager === undefined || isManager(subject, manager) || world.registry.plugin(manager) === undefined) return;
  const shared = sharedFields(world, key);
  const pointer = after === null || subject.kind === 'plugin' ? '' : firstDifference(writable(before), writable(after), shared);
  if (pointer === null) return;
  const offer = shared.length === 0 || after === null ? '' : `; open to you: ${shared.join(', ')}`;
  const owners = (before.metadata.ownerReferences ?? []).map(({ kind, name }) => `${kind} ${name}`).join(', ');
  const going = after === null && owners !== '' ? `; it goes with ${owners}` : '';
  const fix = `change what ${manager} makes it from${offer}${going}`;
  throw invalid([{ object: formatKey(key), pointer, message: `is managed by the plugin ${manager}`, fix }], 'FORBIDDEN');
}

/** What users have set of an object stays when the plugin that manages it writes it again. */
export function withSharedFields(
  world: World,
  spec: WeftObject['spec'],
  key: ObjectKey,
  before: WeftObject | null,
  subject: Subject,
): WeftObject['spec'] {
  if (before === null || !isManager(subject, before.metadata.managedBy)) return spec;
  const kept = sharedFields(world, key).reduce<unknown>((next, pointer) => withValueOf(next, { spec: before.spec }, pointer), { spec });
  return (kept as { spec: WeftObject['spec'] }).spec;
}

function isManager(subject: Subject, manager: string | undefined): boolean {
  return subject.kind === 'plugin' && subject.name === manager;
}

function sharedFields({ registry }: World, { kind }: ObjectKey): readonly string[] {
  return registry.kind(kind)?.spec.sharedFields ?? [];
}

function writable({ spec, metadata: { labels = {}, shared = false } }: WeftObject): object {
  return { metadata: { labels, shared }, spec };
}
