/** `weft explain`: the fields of a kind, from its schema. */
import type { Command } from 'commander';
import { failure } from '../errors.ts';
import { kindNamed, type OwnedKind } from '../kinds.ts';
import { type Field, fieldsAt, fieldsOf, type Schema } from '../schema.ts';
import type { Session } from '../session.ts';

export function addExplain(program: Command, session: Session): void {
  program
    .command('explain')
    .description('describe the fields of a kind, or one of them: vn, port.binding')
    .argument('<kind[.field]>')
    .action(async (path: string) => {
      const [kindName = '', ...rest] = path.split('.');
      const kind = await kindNamed(session.client, kindName);
      session.io.out(rest.length === 0 ? explainKind(kind) : explainField(kind, rest));
    });
}

function explainKind(kind: OwnedKind): string {
  const names = [kind.plural, ...(kind.aliases ?? [])].join(', ');
  const head = `${kind.kind} (${names}), ${kind.scope === 'system' ? 'system-wide' : 'in a project'}, of ${kind.plugin}\n${kind.summary}\n`;
  const section = (name: string, schema: object) => {
    const fields = fieldsOf(schema as Schema);
    return fields.length === 0 ? '' : `\n${name}:\n${fields.map((field) => formatField(field, 1)).join('')}`;
  };
  return head + section('spec', kind.spec) + section('status', kind.status);
}

/** `spec.` may be left out; `status.` says that a field of the status is meant. */
function explainField(kind: OwnedKind, path: readonly string[]): string {
  const [first = ''] = path;
  const part = first === 'status' ? 'status' : 'spec';
  const inside = first === 'status' || first === 'spec' ? path.slice(1) : path;
  const all = fieldsOf((part === 'status' ? kind.status : kind.spec) as Schema);
  const fields = inside.length === 0 ? all : fieldsAt(all, inside.join('.'));
  const [top] = fields;
  if (top === undefined) {
    const known = all.filter(({ depth }) => depth === 0).map((field) => field.path);
    throw failure(`${kind.kind} has no field "${inside.join('.')}"`, `${kind.kind} ${part}`, `fields are: ${known.join(', ')}`);
  }
  const least = Math.min(...fields.map(({ depth }) => depth));
  return `${kind.kind} ${part}\n${fields.map((field) => formatField({ ...field, depth: field.depth - least }, 0)).join('')}`;
}

function formatField(field: Field, indent: number): string {
  const pad = '  '.repeat(field.depth + indent);
  const notes = [field.type, field.required ? 'required' : '', field.default === undefined ? '' : `default ${field.default}`];
  const text = field.description === '' ? '' : `${pad}    ${field.description}\n`;
  return `${pad}${field.path} <${notes.filter((note) => note !== '').join(', ')}>\n${text}`;
}
