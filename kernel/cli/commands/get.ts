/** `weft get`: objects of a kind, once or as they change. */
import type { Command } from 'commander';
import type { ColumnSpec, ObjectEvent, WeftObject } from '../../contract/system/index.ts';
import { kindNamed, type OwnedKind, pathOf, type Scope, scopeOf } from '../kinds.ts';
import { columnsOf, type Format, formats, Table, toJson, toTable, toYaml } from '../output.ts';
import { type GlobalOptions, outputOption, type Session } from '../session.ts';
import { type Snapshot, watchObjects } from '../watch.ts';

interface Options extends GlobalOptions {
  readonly output: Format;
  readonly watch?: boolean;
}

interface List {
  readonly items: readonly WeftObject[];
}

export function addGet(program: Command, session: Session): void {
  program
    .command('get')
    .description('show objects')
    .argument('<kind>', 'kind, its plural or alias')
    .argument('[name]')
    .addOption(outputOption(formats))
    .option('-w, --watch', 'keep showing changes until interrupted')
    .action(async (kindName: string, name: string | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const scope = scopeOf(options);
      const kind = await kindNamed(session.client, kindName);
      if (options.watch === true) return await follow(session, kind, scope, name, options.output);
      const about = name === undefined ? kind.kind : `${kind.kind} ${name}`;
      const answer = await session.client.json<WeftObject | List>(pathOf(kind, scope, name), { about });
      session.io.out(format(answer, kind, scope, options.output));
    });
}

function format(answer: WeftObject | List, kind: OwnedKind, scope: Scope, output: Format): string {
  const items = 'items' in answer ? answer.items : [answer];
  switch (output) {
    case 'json':
      return toJson(answer);
    case 'yaml':
      return items.map(toYaml).join('---\n');
    case 'name':
      return items.map((item) => `${nameOf(item, scope)}\n`).join('');
    default: {
      const { titles, cells } = columnsOf(objectColumns(kind, scope), output === 'wide');
      return toTable(titles, items.map(cells));
    }
  }
}

function nameOf({ metadata }: WeftObject, scope: Scope): string {
  return scope.all && metadata.project !== undefined ? `${metadata.project}/${metadata.name}` : metadata.name;
}

/** Project (when all are shown) and name come first, whatever the kind says. */
function objectColumns(kind: OwnedKind, scope: Scope): ColumnSpec[] {
  const project = { title: 'PROJECT', pointer: '/metadata/project' };
  const name = { title: 'NAME', pointer: '/metadata/name' };
  const own = kind.columns.filter(({ pointer }) => pointer !== project.pointer && pointer !== name.pointer);
  return [...(scope.all && kind.scope === 'project' ? [project] : []), name, ...own];
}

/** A line for each object and each change; JSON: one event per line. */
async function follow(session: Session, kind: OwnedKind, scope: Scope, name: string | undefined, output: Format): Promise<void> {
  const { titles, cells } = columnsOf(objectColumns(kind, scope), output === 'wide');
  let table: Table | undefined;
  for await (const item of watchObjects(session.client, kind, scope, session.io.signal)) {
    const events = eventsOf(item).filter(({ object }) => name === undefined || object.metadata.name === name);
    if (output === 'json') for (const event of events) session.io.out(`${JSON.stringify(event)}\n`);
    else if (output === 'yaml') for (const { object } of events) session.io.out(`---\n${toYaml(object)}`);
    else if (output === 'name') for (const { object } of events) session.io.out(`${nameOf(object, scope)}\n`);
    else {
      const rows = events.map(({ type, object }) => [type, ...cells(object)]);
      if (table === undefined) {
        table = new Table(['EVENT', ...titles], [['created'], ...rows]);
        session.io.out(table.head());
      }
      for (const row of rows) session.io.out(table.row(row));
    }
  }
}

type Shown = Omit<ObjectEvent, 'type'> & { readonly type: ObjectEvent['type'] | 'current' };

function eventsOf(item: Snapshot | ObjectEvent): readonly Shown[] {
  if (item.type !== 'snapshot') return [item];
  return item.items.map((object) => ({ revision: item.revision, type: 'current', object }));
}
