/** Rules of the kernel's own kinds: what a plugin's admission is to its kinds. */
import { randomUUID } from 'node:crypto';
import {
  type AdmissionReply,
  type Change,
  defaultProject,
  type FieldError,
  fail,
  formatKey,
  type ObjectKey,
} from '../../contract/system/index.ts';
import { alarmKind, projectKind, type Registry, reservedWords, tokenKind } from '../registry/index.ts';
import type { Subject } from './subject.ts';

/** Alarms are the system's. */
export function refuseBuiltin(key: ObjectKey, subject: Subject): void {
  if (key.kind === alarmKind.kind && subject.kind !== 'system') {
    throw fail('FORBIDDEN', `${formatKey(key)}: alarms are written by the system`, 'mend what it tells of: it goes away by itself');
  }
}

export function admitBuiltin(registry: Registry, changes: readonly Change[]): AdmissionReply {
  const projects = changes.filter(({ key }) => key.kind === projectKind.kind);
  const refusals = projects.flatMap((change) => refuseProject(registry, change));
  const patches = projects.filter(({ op }) => op === 'create').map(({ key }) => ({ key, status: { uuid: randomUUID() } }));
  return { patches, refusals };
}

function refuseProject(registry: Registry, { op, key }: Change): FieldError[] {
  const object = formatKey(key);
  if (op === 'delete' && key.name === defaultProject) {
    return [{ object, pointer: '', message: 'is always there', fix: 'delete the objects in it instead' }];
  }
  const plurals = registry.kinds.map(({ spec }) => spec.plural);
  if (op !== 'create' || ![...reservedWords, ...plurals].includes(key.name)) return [];
  return [{ object, pointer: '/metadata/name', message: `"${key.name}" is a word of the API`, fix: 'choose another name' }];
}

/** Where the hash of an issued token is kept. */
export function tokenSetting(uid: string): string {
  return `token/${uid}`;
}

/** Settings that are about objects, and go in the same transaction with them. */
export function settingsGoneWith(changes: readonly Change[]): Readonly<Record<string, undefined>> {
  const gone = changes.filter(({ key, after }) => key.kind === tokenKind.kind && after === null);
  return Object.fromEntries(gone.flatMap(({ before }) => (before === null ? [] : [[tokenSetting(before.metadata.uid), undefined]])));
}
