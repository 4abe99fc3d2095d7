/** Statuses: merged by field, and held to the schema of their kind. */
import { isDeepStrictEqual } from 'node:util';
import { type FieldError, formatKey, type ObjectKey, type WeftObject } from '../../contract/system/index.ts';
import type { Registry } from '../registry/index.ts';
import type { ObjectStore } from '../store/index.ts';
import { invalid } from './input.ts';

type Status = Readonly<Record<string, unknown>>;

export interface StatusUpdate {
  readonly key: ObjectKey;
  /** Of the object that the writer saw: another one under the same name is left alone. */
  readonly uid?: string;
  readonly status: Status;
}

/** Top-level fields replace those of the same name; null removes one. */
export function mergeStatus(status: Status, update: Status): Record<string, unknown> {
  return Object.fromEntries(Object.entries({ ...status, ...update }).filter(([, value]) => value !== null && value !== undefined));
}

/** What does not fit of a status, among the fields that the update names: an older version of the plugin may have left others. */
export function statusFindings(registry: Registry, key: ObjectKey, merged: Status, update: Status): FieldError[] {
  const findings = registry.kind(key.kind)?.checkStatus(merged) ?? [];
  return findings
    .filter(({ pointer }) => pointer === '' || Object.hasOwn(update, firstToken(pointer)))
    .map((finding) => ({ object: formatKey(key), ...finding, pointer: `/status${finding.pointer}` }));
}

function firstToken(pointer: string): string {
  return (pointer.split('/')[1] ?? '').replaceAll('~1', '/').replaceAll('~0', '~');
}

/** The objects that updates change, as they will be. @throws INVALID when a status does not fit */
export function withStatuses(store: ObjectStore, registry: Registry, updates: readonly StatusUpdate[]): WeftObject[] {
  const before = new Map<string, WeftObject>();
  const after = new Map<string, WeftObject>();
  const findings: FieldError[] = [];
  for (const { key, uid, status } of updates) {
    const id = formatKey(key);
    const object = after.get(id) ?? store.get(key);
    if (object === undefined || (uid !== undefined && object.metadata.uid !== uid)) continue;
    if (!before.has(id)) before.set(id, object);
    const merged = mergeStatus(object.status, status);
    findings.push(...statusFindings(registry, key, merged, status));
    after.set(id, { ...object, status: merged });
  }
  if (findings.length > 0) throw invalid(findings);
  return [...after].flatMap(([id, object]) => (isDeepStrictEqual(object.status, before.get(id)?.status) ? [] : [object]));
}
