/** The fields of kinds, operations and settings as text, from their schemas. */
import { failure } from './errors.ts';
import type { OwnedKind } from './kinds.ts';
import { type Field, fieldsAt, fieldsOf, type Schema } from './schema.ts';

export function explainKind(kind: OwnedKind): string {
  const names = [kind.plural, ...(kind.aliases ?? [])].join(', ');
  const head = `${kind.kind} (${names}), ${kind.scope === 'system' ? 'system-wide' : 'in a project'}, of ${kind.plugin}\n${kind.summary}\n`;
  return head + section('spec', kind.spec) + section('status', kind.status);
}

/** `spec.` may be left out; `status.` says that a field of the status is meant. */
export function explainFields(kind: OwnedKind, path: readonly string[]): string {
  const [first = ''] = path;
  const part = first === 'status' ? 'status' : 'spec';
  const inside = first === 'status' || first === 'spec' ? path.slice(1) : path;
  return formatFieldsAt(`${kind.kind} ${part}`, part === 'status' ? kind.status : kind.spec, inside.join('.'));
}

/** A titled list of all fields of a schema; nothing when it has none. */
export function section(title: string, schema: object): string {
  const fields = fieldsOf(schema as Schema);
  return fields.length === 0 ? '' : `\n${title}:\n${fields.map((field) => formatField(field, 1)).join('')}`;
}

/** The fields at and below a path; all of them for an empty one. Throws with the fields that exist. */
export function formatFieldsAt(title: string, schema: object, path: string): string {
  const all = fieldsOf(schema as Schema);
  const fields = path === '' ? all : fieldsAt(all, path);
  if (fields.length === 0 && path !== '') {
    const known = all.filter(({ depth }) => depth === 0).map((field) => field.path);
    throw failure(`${title.split(' ')[0]} has no field "${path}"`, title, `fields are: ${known.join(', ')}`);
  }
  const least = Math.min(...fields.map(({ depth }) => depth));
  return `${title}\n${fields.map((field) => formatField({ ...field, depth: field.depth - least }, 0)).join('')}`;
}

function formatField(field: Field, indent: number): string {
  const pad = '  '.repeat(field.depth + indent);
  const notes = [field.type, field.required ? 'required' : '', field.default === undefined ? '' : `default ${field.default}`];
  const text = field.description === '' ? '' : `${pad}    ${field.description}\n`;
  return `${pad}${field.path} <${notes.filter((note) => note !== '').join(', ')}>\n${text}`;
}
