/** A plugin for tests of what holds objects together: its kinds have finalizers, references, shared fields and a narrow status. */
import type { KindSpec, Manifest, ObjectKey } from '../../../contract/system/index.ts';

const text = { type: 'string' };
const closed = { type: 'object', additionalProperties: false } as const;

const common: Pick<KindSpec, 'scope' | 'schemaVersion' | 'columns' | 'status'> = {
  scope: 'project',
  schemaVersion: 1,
  columns: [],
  status: { ...closed, properties: { phase: { enum: ['Active', 'Pending'] }, serial: { type: 'integer' } }, required: ['serial'] },
};

/** Holds its machines until it has taken them apart. */
export const machineKind: KindSpec = {
  ...common,
  kind: 'Machine',
  plural: 'machines',
  summary: 'Does the work.',
  spec: {
    ...closed,
    properties: {
      model: { ...text, default: 'basic' },
      note: text,
      limits: { ...closed, properties: { speed: { type: 'integer' }, power: { type: 'integer' } }, default: {} },
      site: text,
    },
  },
  references: [{ pointer: '/spec/site', kind: 'Site' }],
  finalizer: true,
  sharedFields: ['/spec/note', '/spec/limits/speed'],
};

/** Has no finalizer: it goes at once, unless something that stays refers to it. */
export const partKind: KindSpec = {
  ...common,
  kind: 'Part',
  plural: 'parts',
  summary: 'Belongs into a machine.',
  spec: { ...closed, properties: { machine: text, next: text } },
  references: [
    { pointer: '/spec/machine', kind: 'Machine' },
    { pointer: '/spec/next', kind: 'Part' },
  ],
};

/** Has a finalizer and refers to machines. */
export const toolKind: KindSpec = {
  ...partKind,
  kind: 'Tool',
  plural: 'tools',
  summary: 'Works on a machine or a part.',
  spec: { ...closed, properties: { machine: text, part: text, mate: text } },
  references: [
    { pointer: '/spec/machine', kind: 'Machine' },
    { pointer: '/spec/part', kind: 'Part' },
    { pointer: '/spec/mate', kind: 'Tool' },
  ],
  finalizer: true,
};

export const siteKind: KindSpec = {
  ...common,
  kind: 'Site',
  plural: 'sites',
  scope: 'system',
  summary: 'Where machines stand.',
  spec: { ...closed, properties: {} },
  references: [],
};

export const workshopManifest: Manifest = {
  name: 'workshop',
  version: '1.0.0',
  summary: 'Machines and their parts',
  needs: [],
  kinds: [siteKind, machineKind, partKind, toolKind],
  operations: [],
  puntClasses: [],
  grants: { rows: [], reads: [], writes: [] },
  config: { type: 'object', properties: {}, additionalProperties: false },
};

/** As the subject of a change. */
export const workshop = { kind: 'plugin', name: 'workshop' } as const;

export function thing(kind: string, name: string, spec: object = {}, metadata: object = {}): object {
  return { kind, metadata: { name, ...metadata }, spec };
}

export function keyTo(kind: string, name: string): ObjectKey {
  return kind === 'Site' ? { kind, name } : { kind, project: 'default', name };
}
