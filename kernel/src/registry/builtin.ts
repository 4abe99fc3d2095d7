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

export const builtinKinds: readonly KindSpec[] = [projectKind, alarmKind];
