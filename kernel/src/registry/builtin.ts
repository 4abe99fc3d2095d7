/** The kernel's own kinds. */
import type { KindSpec } from '../../contract/system/index.ts';

/** Owner of the kinds below, in place of a plugin's name. */
export const kernelOwner = 'kernel';

const empty = { type: 'object', properties: {}, additionalProperties: false };

export const projectKind: KindSpec = {
  kind: 'Project',
  plural: 'projects',
  scope: 'system',
  summary: 'A tenant: the space in which names of its objects are unique. "default" exists from the start.',
  schemaVersion: 1,
  spec: {
    ...empty,
    properties: { description: { type: 'string', maxLength: 1000, description: 'What the project is for' } },
  },
  status: {
    type: 'object',
    properties: { uuid: { type: 'string', format: 'uuid', description: 'Stable identity of the project' } },
    required: ['uuid'],
  },
  references: [],
  columns: [{ title: 'UUID', pointer: '/status/uuid' }],
};

export const alarmKind: KindSpec = {
  kind: 'Alarm',
  plural: 'alarms',
  scope: 'system',
  summary: 'Something that needs attention. Written by the system; it goes away with its cause.',
  schemaVersion: 1,
  spec: empty,
  status: {
    type: 'object',
    properties: {
      severity: { type: 'string', enum: ['warning', 'critical'], description: 'How bad it is' },
      subject: { type: 'string', description: 'What is concerned: an object or a process' },
      text: { type: 'string', description: 'What is wrong, and what to do' },
      since: { type: 'string', format: 'date-time', description: 'When it was raised' },
      clear: { type: 'string', description: 'What makes it go away' },
    },
    required: ['severity', 'subject', 'text', 'since'],
  },
  references: [],
  columns: [
    { title: 'SEVERITY', pointer: '/status/severity' },
    { title: 'SUBJECT', pointer: '/status/subject' },
    { title: 'TEXT', pointer: '/status/text' },
    { title: 'SINCE', pointer: '/status/since' },
  ],
};

export const roleKind: KindSpec = {
  kind: 'Role',
  plural: 'roles',
  scope: 'system',
  summary: 'What somebody may do, and in which projects.',
  schemaVersion: 1,
  spec: {
    ...empty,
    properties: {
      role: {
        type: 'string',
        enum: ['viewer', 'operator', 'admin'],
        description: 'viewer reads; operator also changes and runs operations; admin everything',
      },
      subjects: {
        type: 'array',
        items: { type: 'string', pattern: '^(uid:[0-9]{1,10}|token:[a-z0-9][a-z0-9.-]{0,62}|cert:.{1,64})$' },
        description: 'Who: uid:1000 (a user of this machine), token:NAME, cert:COMMON-NAME',
        minItems: 1,
      },
      projects: { type: 'array', items: { type: 'string' }, description: 'Where it holds' },
      everywhere: { type: 'boolean', default: false, description: 'It holds in all projects and for what belongs to none' },
    },
    required: ['role', 'subjects'],
  },
  status: { type: 'object', properties: {} },
  references: [{ pointer: '/spec/projects/*', kind: 'Project' }],
  columns: [
    { title: 'ROLE', pointer: '/spec/role' },
    { title: 'SUBJECTS', pointer: '/spec/subjects' },
    { title: 'PROJECTS', pointer: '/spec/projects' },
    { title: 'EVERYWHERE', pointer: '/spec/everywhere' },
  ],
};

export const tokenKind: KindSpec = {
  kind: 'Token',
  plural: 'tokens',
  scope: 'system',
  summary: 'Somebody who calls the API with a bearer token: weft token issue NAME prints it, once. What it may do says a Role.',
  schemaVersion: 1,
  spec: {
    ...empty,
    properties: {
      description: { type: 'string', maxLength: 1000, description: 'Who holds it' },
      expires: { type: 'string', format: 'date-time', description: 'From when on it is worth nothing (RFC 3339); never when left out' },
    },
  },
  status: {
    type: 'object',
    properties: { issuedAt: { type: 'string', format: 'date-time', description: 'When the present token was issued' } },
  },
  references: [],
  columns: [
    { title: 'EXPIRES', pointer: '/spec/expires' },
    { title: 'ISSUED', pointer: '/status/issuedAt' },
  ],
};

export const secretKind: KindSpec = {
  kind: 'Secret',
  plural: 'secrets',
  scope: 'project',
  summary: 'Values that plugins need and nobody may read: never shown, logged or bundled, and sealed on the disk.',
  schemaVersion: 1,
  spec: {
    ...empty,
    properties: {
      type: { type: 'string', enum: ['opaque'], default: 'opaque', description: 'What it is: opaque, whatever its user makes of it' },
      data: {
        type: 'object',
        propertyNames: { pattern: '^[A-Za-z0-9._-]{1,63}$' },
        additionalProperties: { type: 'string', maxLength: 65_536 },
        default: {},
        description: 'The values, by name. Answers hold "(hidden)" in their place; written back, that keeps the value',
      },
    },
  },
  status: { type: 'object', properties: {} },
  references: [],
  columns: [{ title: 'TYPE', pointer: '/spec/type' }],
};

export const builtinKinds: readonly KindSpec[] = [projectKind, alarmKind, roleKind, tokenKind, secretKind];
