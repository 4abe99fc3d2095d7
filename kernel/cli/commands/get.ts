/** `weft get`: objects of a kind, once or as they change. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type ColumnSpec, matchesLabels, type ObjectEvent, parseLabelSelector, type WeftObject } from '../../contract/system/index.ts';
import { addPrinting, type Printing, render } from '../answers.ts';
import { EventLines } from '../event-lines.ts';
import { compileQuery, type Query } from '../jsonpath.ts';
import { kindNamed, nameIn, type OwnedKind, pathOf, type Scope, scopeOf } from '../kinds.ts';
import { sorted } from '../order.ts';
import { formats } from '../output.ts';
import type { GlobalOptions, Session } from '../session.ts';
import { type Snapshot, watchObjects } from '../watch.ts';

interface Options extends GlobalOptions, Printing {
  readonly watch?: boolean;
  readonly sortBy?: Query;
  readonly selector?: string;
}

interface List {
  readonly items: readonly WeftObject[];
}

export function addGet(program: Command, session: Session): void {
  const command = program.command('get').description('show objects').argument('<kind>', 'kind, its plural or alias').argument('[name]');
  addPrinting(command, formats)
    .addOption(new Option('-l, --selector <labels>', 'only objects with these labels: a=b,c!=d,e,!f').argParser(checkSelector))
    .addOption(
      new Option('--sort-by <query>', 'order by a field: /spec/size or .spec.size; by project and name otherwise').argParser(compileQuery),
    )
    .option('-w, --watch', 'keep showing changes until interrupted')
    .action(async (kindName: string, name: string | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const scope = scopeOf(options);
      const kind = await kindNamed(session.client, kindName);
      if (options.watch === true) return await follow(session, kind, scope, name, options);
      const about = name === undefined ? kind.kind : `${kind.kind} ${name}`;
      const answer = await session.client.json<WeftObject | List>(pathOf(kind, scope, name) + queryOf(name, options), { about });
      session.io.out(
        render({ ...ordered(answer, options), columns: objectColumns(kind, scope), nameOf: nameIn(scope), documents: true }, options),
      );
    });
}

function checkSelector(text: string): string {
  if (parseLabelSelector(text) === null) throw new InvalidArgumentError('Write it like app=web,tier!=test,owned,!old.');
  return text;
}

/** One object is looked at here: it exists, whatever its labels. */
function queryOf(name: string | undefined, { selector }: Options): string {
  return name === undefined && selector !== undefined ? `?${new URLSearchParams({ labels: selector })}` : '';
}

function ordered(answer: WeftObject | List, options: Options): { whole: unknown; items: readonly WeftObject[] } {
  if (!('items' in answer)) return { whole: answer, items: [answer].filter(selected(options)) };
  const items = sorted(answer.items, options.sortBy);
  return { whole: options.sortBy === undefined ? answer : { ...answer, items }, items };
}

function selected({ selector }: Options): (object: WeftObject) => boolean {
  const wanted = parseLabelSelector(selector ?? '') ?? [];
  return ({ metadata }) => matchesLabels(wanted, metadata.labels);
}

/** Project (when all are shown) and name come first, whatever the kind says. */
function objectColumns(kind: OwnedKind, scope: Scope): ColumnSpec[] {
  const project = { title: 'PROJECT', pointer: '/metadata/project' };
  const name = { title: 'NAME', pointer: '/metadata/name' };
  const own = kind.columns.filter(({ pointer }) => pointer !== project.pointer && pointer !== name.pointer);
  return [...(scope.all && kind.scope === 'project' ? [project] : []), name, ...own];
}

/** Objects that lose the labels that are asked for go without a word. */
async function follow(session: Session, kind: OwnedKind, scope: Scope, name: string | undefined, options: Options): Promise<void> {
  const lines = new EventLines(session.io, kind, objectColumns(kind, scope), nameIn(scope), options);
  const isWanted = selected(options);
  for await (const item of watchObjects(session.client, kind, scope, session.io.signal)) {
    const events = eventsOf(item, options).filter(({ object }) => isWanted(object));
    lines.print(events.filter(({ object }) => name === undefined || object.metadata.name === name));
  }
}

function eventsOf(item: Snapshot | ObjectEvent, { sortBy }: Options) {
  if (item.type !== 'snapshot') return [item];
  return sorted(item.items, sortBy).map((object) => ({ revision: item.revision, type: 'current' as const, object }));
}
