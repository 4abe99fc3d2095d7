/** Wishes that bring the past back: how objects were at a revision, or before one transaction. What plugins and the system wrote follows by itself, but for the fields that users share. */
import { isDeepStrictEqual } from 'node:util';
import { type Change, defaultProject, fail, formatKey, keyOf, type ObjectKey, type WeftObject } from '../../contract/system/index.ts';
import { alarmKind, projectKind, type Registry } from '../registry/index.ts';
import type { LogEntry, ObjectStore } from '../store/index.ts';
import { isDying, living } from './finalizers.ts';
import { invalid, type Wanted } from './input.ts';
import type { Intent } from './intent.ts';
import { withValueOf } from './plain-data.ts';

export interface Past {
  readonly store: ObjectStore;
  readonly registry: Registry;
}

type Wishes = Pick<Intent, 'apply' | 'remove'>;

/** @throws REVISION_GONE when the log does not reach back so far; INVALID when an old object does not fit its present schema */
export function wishesAt(past: Past, revision: number): Wishes {
  past.store.assertLogged(revision);
  const first = new Map<string, LogEntry>();
  for (const entry of past.store.history(revision)) {
    const id = formatKey(keyOf(entry.object));
    if (!first.has(id)) first.set(id, entry);
  }
  return wishes(past, [...first.values()]);
}

/** Of a transaction that wrote the revisions `from` to `to`. Objects that somebody has changed since then are left as they are. */
export function wishesBefore(past: Past, from: number, to: number): Wishes {
  past.store.assertLogged(from - 1);
  const entries = past.store
    .history(from - 1)
    .take(to - from + 1)
    .filter((entry) => {
      const now = past.store.get(keyOf(entry.object));
      return isDeepStrictEqual(writable(now), entry.type === 'deleted' ? null : writable(entry.object));
    });
  return wishes(past, [...entries]);
}

/** What users write of an object; null when it is gone or being deleted. */
function writable(given: WeftObject | null | undefined): Omit<Wanted, 'key'> | null {
  const object = living(given);
  if (object === null) return null;
  const { labels = {}, shared = false } = object.metadata;
  return { spec: object.spec, labels, shared };
}

/** Parts of an object that a change touched, as JSON pointers of one field below spec and status. */
export function touched({ before, after }: Pick<Change, 'before' | 'after'>): string[] {
  if (before === null || after === null) return [];
  const parts = { spec: [before.spec, after.spec], status: [before.status, after.status] } as const;
  const fields = Object.entries(parts).flatMap(([part, [old, now]]) =>
    [...new Set([...Object.keys(old), ...Object.keys(now)])]
      .filter((field) => !isDeepStrictEqual(old[field], now[field]))
      .map((field) => `/${part}/${field}`),
  );
  const told = ['labels', 'shared', 'ownerReferences', 'finalizers', 'deletedAt'] as const;
  const changed = told.filter((field) => !isDeepStrictEqual(before.metadata[field], after.metadata[field]));
  return [...fields, ...changed.map((field) => `/metadata/${field}`)];
}

function wishes(past: Past, entries: readonly LogEntry[]): Wishes {
  const apply: Wanted[] = [];
  const remove: { key: ObjectKey }[] = [];
  for (const entry of entries) {
    if (entry.before === undefined) {
      const what = `revision ${entry.revision} was written by an earlier version, which did not keep what was there before`;
      throw fail('REVISION_GONE', what, 'choose a later revision');
    }
    const key = keyOf(entry.object);
    const before = living(entry.before);
    const now = past.store.get(key) ?? null;
    if (isDeepStrictEqual(writable(now), writable(before))) continue;
    if ([before, now, entry.object].some((one) => followsByItself(past.registry, one))) {
      const again = sharedAgain(past.registry, key, before, living(now));
      if (again !== null) apply.push(wantedAgain(past, key, again));
    } else if (before !== null) apply.push(wantedAgain(past, key, before));
    else if (now !== null && !isPermanent(key)) remove.push({ key });
  }
  return { apply, remove };
}

function followsByItself(registry: Registry, object: WeftObject | null): boolean {
  if (object === null) return false;
  const { kind, metadata } = object;
  return kind === alarmKind.kind || (metadata.managedBy !== undefined && registry.plugin(metadata.managedBy) !== undefined);
}

/** What a plugin manages, as it is, but with what users had set of it; null when that is the same. */
function sharedAgain(registry: Registry, key: ObjectKey, before: WeftObject | null, now: WeftObject | null): WeftObject | null {
  if (before === null || now === null || before.metadata.managedBy !== now.metadata.managedBy) return null;
  const shared = registry.kind(key.kind)?.spec.sharedFields ?? [];
  const again = shared.reduce<unknown>((next, pointer) => withValueOf(next, before, pointer), now) as WeftObject;
  return isDeepStrictEqual(again.spec, now.spec) ? null : again;
}

function isPermanent({ kind, name }: ObjectKey): boolean {
  return kind === projectKind.kind && name === defaultProject;
}

function wantedAgain({ store, registry }: Past, key: ObjectKey, before: WeftObject): Wanted {
  const object = formatKey(key);
  const present = store.get(key);
  if (present !== undefined && isDying(present)) {
    throw fail(
      'UNAVAILABLE',
      `${object} cannot come back yet: it is still being deleted`,
      `wait until it is gone: weft get ${key.kind} ${key.name}`,
    );
  }
  const kind = registry.kind(key.kind);
  if (kind === undefined) throw fail('UNAVAILABLE', `${object} cannot come back: no plugin has the kind ${key.kind}`, 'install its plugin');
  const { value, findings } = kind.validate(before.spec);
  if (findings.length > 0) throw invalid(findings.map((finding) => ({ object, ...finding, pointer: `/spec${finding.pointer}` })));
  const { labels = {}, shared = false } = before.metadata;
  return { key, spec: value as Record<string, unknown>, labels, shared, status: before.status };
}
