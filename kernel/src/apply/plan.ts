/** What a request would change: each object before and after, with every rule of the kernel checked; nothing is written. */
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import {
  apiVersion,
  type Change,
  type FieldError,
  fail,
  formatKey,
  type Metadata,
  type ObjectKey,
  toWeftError,
  type WeftObject,
} from '../../contract/system/index.ts';
import { projectKind, type Registry, roleKind } from '../registry/index.ts';
import type { ObjectStore } from '../store/index.ts';
import { refuseBuiltin } from './builtin.ts';
import { unhide } from './hidden.ts';
import { invalid, maxErrors, type Wanted } from './input.ts';
import { type ReferenceIndex, referencesOf } from './references.ts';
import type { Subject } from './subject.ts';

export interface Removal {
  readonly key: ObjectKey;
  readonly ifMatch?: number;
}

export interface Intent {
  readonly apply: readonly Wanted[];
  readonly remove: readonly Removal[];
  /** Removes what refers to removed objects, too. */
  readonly cascade: boolean;
  /** Removing what does not exist is no error. */
  readonly missingOk: boolean;
  readonly subject: Subject;
  /** Throws FORBIDDEN when the subject may not do this; asked for each object, those that a cascade takes along included. */
  readonly assertMay?: (op: Change['op'], key: ObjectKey) => void;
}

/** One object of a request. `change` is null when it is already as wanted. */
export interface Step {
  readonly key: ObjectKey;
  readonly before: WeftObject | null;
  readonly change: Change | null;
}

export interface World {
  readonly store: ObjectStore;
  readonly registry: Registry;
  readonly index: ReferenceIndex;
  readonly now: () => Date;
}

/** @throws INVALID, NOT_FOUND, CONFLICT, FORBIDDEN, REFERENCED, REVISION_MISMATCH */
export function planChanges(world: World, intent: Intent): Step[] {
  const steps = new Map<string, Step>();
  // before anything is looked up: a refusal must not tell what exists
  for (const { key } of intent.apply) intent.assertMay?.('update', key);
  for (const { key } of intent.remove) intent.assertMay?.('delete', key);
  for (const wanted of intent.apply) steps.set(formatKey(wanted.key), planPut(world, wanted, intent.subject));
  for (const removal of intent.remove) {
    const id = formatKey(removal.key);
    if (steps.get(id)?.change?.op === 'delete') continue;
    if (steps.has(id)) throw invalid([{ object: id, pointer: '', message: 'is both applied and deleted', fix: 'choose one' }]);
    const step = planRemoval(world, removal, intent);
    if (step !== null) steps.set(id, step);
  }
  if (intent.cascade) addDependants(world, steps, intent);
  const changes = [...steps.values()].flatMap(({ change }) => (change === null ? [] : [change]));
  const dangling = changes
    .values()
    .flatMap((change) => danglingIn(world, steps, change))
    .take(maxErrors)
    .toArray();
  if (dangling.length > 0) throw invalid(dangling);
  const referenced = changes
    .values()
    .flatMap((change) => dependantsLeft(world, steps, change))
    .take(maxErrors)
    .toArray();
  if (referenced.length > 0) throw invalid(referenced, 'REFERENCED');
  return [...steps.values()];
}

function planPut(world: World, given: Wanted, subject: Subject): Step {
  const { key, ifMatch } = given;
  const before = world.store.get(key) ?? null;
  const { spec, errors } = unhide(given, before);
  if (errors.length > 0) throw invalid(errors);
  const wanted = { ...given, spec };
  if (wanted.mustBeNew && before !== null) {
    throw fail('CONFLICT', `${formatKey(key)} exists already`, 'choose another name, or change it with PUT or apply');
  }
  const after = merge(world, wanted, before, subject);
  if (before !== null && isDeepStrictEqual(before, after)) return { key, before, change: null };
  assertRevision(key, before, ifMatch);
  assertMayChange(world, key, before, subject);
  const op = before === null ? 'create' : 'update';
  return { key, before, change: { op, key, before, after } };
}

function planRemoval(world: World, { key, ifMatch }: Removal, intent: Intent): Step | null {
  const before = world.store.get(key) ?? null;
  if (before === null) {
    if (intent.missingOk) return null;
    throw fail('NOT_FOUND', `${formatKey(key)} does not exist`, `list them with: weft get ${key.kind}`);
  }
  assertRevision(key, before, ifMatch);
  assertMayChange(world, key, before, intent.subject);
  return { key, before, change: { op: 'delete', key, before, after: null } };
}

function merge(world: World, wanted: Wanted, before: WeftObject | null, subject: Subject): WeftObject {
  const { name, project } = wanted.key;
  const old = before?.metadata;
  const changed = before !== null && !isDeepStrictEqual(before.spec, wanted.spec);
  const managedBy = subject.kind === 'plugin' ? subject.name : old?.managedBy;
  const metadata: Metadata = {
    name,
    ...(project === undefined ? {} : { project }),
    uid: old?.uid ?? randomUUID(),
    revision: old?.revision ?? 0,
    generation: old === undefined ? 1 : old.generation + (changed ? 1 : 0),
    createdAt: old?.createdAt ?? world.now().toISOString(),
    ...(Object.keys(wanted.labels).length === 0 ? {} : { labels: wanted.labels }),
    ...(old?.ownerReferences === undefined ? {} : { ownerReferences: old.ownerReferences }),
    ...(old?.finalizers === undefined ? {} : { finalizers: old.finalizers }),
    ...(managedBy === undefined ? {} : { managedBy }),
    ...(wanted.shared ? { shared: true } : {}),
  };
  return { apiVersion, kind: wanted.key.kind, metadata, spec: wanted.spec, status: before?.status ?? wanted.status ?? {} };
}

function assertRevision(key: ObjectKey, before: WeftObject | null, ifMatch: number | undefined): void {
  const is = before?.metadata.revision;
  if (ifMatch === undefined || ifMatch === is) return;
  const now = is === undefined ? 'does not exist' : `is at revision ${is}`;
  throw fail(
    'REVISION_MISMATCH',
    `${formatKey(key)} ${now}, not at revision ${ifMatch}`,
    'read it again and repeat your change on what it is now',
  );
}

/** Objects that a plugin wrote are that plugin's; the kernel's own kinds have rules of their own. */
function assertMayChange(world: World, key: ObjectKey, before: WeftObject | null, subject: Subject): void {
  refuseBuiltin(key, subject);
  const manager = before?.metadata.managedBy;
  const isManager = subject.kind === 'plugin' && subject.name === manager;
  if (manager !== undefined && !isManager && world.registry.plugin(manager) !== undefined) {
    throw fail('FORBIDDEN', `${formatKey(key)} is managed by the plugin ${manager}`, `change what ${manager} makes it from`);
  }
  if (before !== null && manager === undefined && subject.kind === 'plugin') {
    throw fail('CONFLICT', `${formatKey(key)} was not written by the plugin ${subject.name}`, 'choose another name');
  }
}

function addDependants(world: World, steps: Map<string, Step>, intent: Intent): void {
  const open = [...steps.values()].flatMap(({ change }) => (change?.op === 'delete' ? [change.key] : []));
  for (let target = open.pop(); target !== undefined; target = open.pop()) {
    for (const key of sourcesLeft(world, steps, target)) {
      const id = formatKey(key);
      if (steps.get(id)?.change?.op === 'delete') continue;
      if (!follows(intent, target, key)) continue;
      const before = world.store.get(key) ?? null;
      steps.set(id, { key, before, change: { op: 'delete', key, before, after: null } });
      open.push(key);
    }
  }
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

/** Those that still refer to `target` once the steps are done. */
function sourcesLeft(world: World, steps: ReadonlyMap<string, Step>, target: ObjectKey): ObjectKey[] {
  const id = formatKey(target);
  return world.index.of(target).filter((key) => {
    const change = steps.get(formatKey(key))?.change;
    if (change === null || change === undefined) return true;
    return change.after !== null && referencesOf(world.registry, change.after).some((one) => formatKey(one.target) === id);
  });
}

/** References of a new or changed object that lead nowhere, or to what it may not see. */
function danglingIn(world: World, steps: ReadonlyMap<string, Step>, change: Change): FieldError[] {
  if (change.after === null) return [];
  const object = formatKey(change.key);
  return referencesOf(world.registry, change.after).flatMap(({ pointer, target }) => {
    const found = afterwards(world, steps, target);
    const foreign = target.project !== undefined && target.project !== change.key.project;
    if (found !== null && (!foreign || found.metadata.shared === true)) return [];
    if (!foreign) return [{ object, pointer, ...missing(world, steps, target) }];
    // the same words for both: a project does not see what another one has
    const message = `${formatKey(target)} does not exist, or belongs to another project and is not shared`;
    return [{ object, pointer, message, fix: `set metadata.shared of ${formatKey(target)}, or name an object of the own project` }];
  });
}

function missing(world: World, steps: ReadonlyMap<string, Step>, target: ObjectKey): { message: string; fix: string } {
  const message = `${formatKey(target)} does not exist`;
  const pending = [...steps.values()].flatMap(({ change }) => (change?.after ? [change.after] : []));
  const present = [...world.store.list(target.kind, target.project ?? ''), ...pending.filter((one) => one.kind === target.kind)]
    .filter((one) => one.metadata.project === target.project)
    .map((one) => one.metadata.name)
    .filter((name) => afterwards(world, steps, { ...target, name }) !== null);
  const names = [...new Set(present)].sort();
  const where = target.project === undefined ? '' : ` in project ${target.project}`;
  if (names.length === 0) return { message, fix: `create it first: there is no ${target.kind}${where} yet` };
  const list = names.slice(0, 10).join(', ') + (names.length > 10 ? `, … (${names.length} in all)` : '');
  return { message, fix: `create it first, or name one that exists${where}: ${list}` };
}

/** Who would be left with a reference to nothing, or to something that is no longer shared. */
function dependantsLeft(world: World, steps: ReadonlyMap<string, Step>, change: Change): FieldError[] {
  const gone = change.op === 'delete';
  const unshared = change.before?.metadata.shared === true && change.after !== null && change.after.metadata.shared !== true;
  if (!gone && !unshared) return [];
  const sources = sourcesLeft(world, steps, change.key).filter((key) => gone || key.project !== change.key.project);
  if (sources.length === 0) return [];
  const own = sources.filter((key) => change.key.project === undefined || key.project === change.key.project);
  const names = own.map(formatKey).sort().slice(0, 10);
  const more = sources.length - names.length;
  const list = names.length === 0 ? `${more} of other projects` : names.join(', ') + (more > 0 ? ` and ${more} more` : '');
  const fix = gone ? 'delete those first, or all of it at once with --cascade' : 'delete those first, or leave it shared';
  return [{ object: formatKey(change.key), pointer: '', message: `is used by ${list}`, fix }];
}

function afterwards(world: World, steps: ReadonlyMap<string, Step>, key: ObjectKey): WeftObject | null {
  const step = steps.get(formatKey(key));
  if (step?.change) return step.change.after;
  return world.store.get(key) ?? null;
}
