/** What a request would change: each object before and after, with every rule of the kernel checked; nothing is written. */
import { isDeepStrictEqual } from 'node:util';
import { apiVersion, fail, formatKey, type Metadata, type WeftObject } from '../../contract/system/index.ts';
import { addFollowers, planRemoval, settle } from './deletion.ts';
import { withFinalizers } from './finalizers.ts';
import { unhide } from './hidden.ts';
import { invalid, type Wanted } from './input.ts';
import { assertIntact } from './integrity.ts';
import type { Intent, Step, Steps, World } from './intent.ts';
import { assertMayChange, assertRevision, assertStays, withSharedFields } from './may-change.ts';
import { NewUids, ownersWanted } from './owners.ts';
import { Pace } from './pace.ts';
import type { Subject } from './subject.ts';

/**
 * Nothing may be written meanwhile: a long request gives others their turn.
 * @throws INVALID, NOT_FOUND, CONFLICT, FORBIDDEN, REFERENCED, REVISION_MISMATCH
 */
export async function planChanges(world: World, intent: Intent): Promise<Step[]> {
  const steps: Steps = new Map();
  const uids = new NewUids();
  const pace = new Pace();
  // before anything is looked up: a refusal must not tell what exists
  for (const { key } of intent.apply) intent.assertMay?.('update', key);
  for (const { key } of intent.remove) intent.assertMay?.('delete', key);
  for (const wanted of intent.apply) {
    await pace.step();
    steps.set(formatKey(wanted.key), planPut(world, wanted, intent.subject, uids));
  }
  const removed = new Set<string>();
  for (const removal of intent.remove) {
    await pace.step();
    const id = formatKey(removal.key);
    if (removed.has(id)) continue;
    if (steps.has(id)) throw invalid([{ object: id, pointer: '', message: 'is both applied and deleted', fix: 'choose one' }]);
    const step = planRemoval(world, removal, intent);
    if (step !== null) steps.set(id, step);
    removed.add(id);
  }
  addFollowers(world, steps, intent);
  await assertIntact(world, steps, pace);
  settle(
    world,
    steps,
    [...steps.values()].flatMap(({ key, change }) => (change === null || change.op === 'delete' ? [key] : [])),
  );
  return [...steps.values()];
}

function planPut(world: World, given: Wanted, subject: Subject, uids: NewUids): Step {
  const { key, ifMatch } = given;
  const before = world.store.get(key) ?? null;
  const { spec, errors } = unhide(given, before);
  if (errors.length > 0) throw invalid(errors);
  const wanted = { ...given, spec: withSharedFields(world, spec, key, before, subject) };
  assertStays(world, key, before);
  if (wanted.mustBeNew && before !== null) {
    throw fail('CONFLICT', `${formatKey(key)} exists already`, 'choose another name, or change it with PUT or apply');
  }
  if (ifMatch === 'absent') assertRevision(key, before, ifMatch);
  const after = merge(world, wanted, before, subject, uids);
  if (before !== null && isDeepStrictEqual(before, after)) return { key, before, change: null };
  assertRevision(key, before, ifMatch);
  assertMayChange(world, key, before, after, subject);
  const op = before === null ? 'create' : 'update';
  return { key, before, change: { op, key, before, after: withFinalizers(world.registry, after) } };
}

function merge(world: World, wanted: Wanted, before: WeftObject | null, subject: Subject, uids: NewUids): WeftObject {
  const { name, project } = wanted.key;
  const old = before?.metadata;
  const changed = before !== null && !isDeepStrictEqual(before.spec, wanted.spec);
  const managedBy = subject.kind === 'plugin' ? subject.name : old?.managedBy;
  const ownerReferences = ownersWanted(world, wanted, before, subject, uids);
  const metadata: Metadata = {
    name,
    ...(project === undefined ? {} : { project }),
    uid: old?.uid ?? uids.of(wanted.key),
    revision: old?.revision ?? 0,
    generation: old === undefined ? 1 : old.generation + (changed ? 1 : 0),
    createdAt: old?.createdAt ?? world.now().toISOString(),
    ...(Object.keys(wanted.labels).length === 0 ? {} : { labels: wanted.labels }),
    ...(ownerReferences.length === 0 ? {} : { ownerReferences }),
    ...(old?.finalizers === undefined ? {} : { finalizers: old.finalizers }),
    ...(managedBy === undefined ? {} : { managedBy }),
    ...(wanted.shared ? { shared: true } : {}),
  };
  return { apiVersion, kind: wanted.key.kind, metadata, spec: wanted.spec, status: before?.status ?? wanted.status ?? {} };
}
