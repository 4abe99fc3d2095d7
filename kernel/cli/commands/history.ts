/** `weft history`: who changed what, and when. */
import { type Command, Option } from 'commander';
import { formatKey, type ObjectKey } from '../../contract/system/index.ts';
import { addPrinting, type Printing, render } from '../answers.ts';
import { countOf } from '../count.ts';
import { kindNamed, scopeOf } from '../kinds.ts';
import type { GlobalOptions, Session } from '../session.ts';

interface PastChange {
  readonly revision: number;
  readonly time: string;
  readonly subject: string;
  readonly type: string;
  readonly key: ObjectKey;
  readonly touched: readonly string[];
}

interface Options extends GlobalOptions, Printing {
  readonly limit: number;
  readonly status?: boolean;
}

const columns = [
  { title: 'REVISION', pointer: '/revision' },
  { title: 'TIME', pointer: '/time' },
  { title: 'WHO', pointer: '/subject' },
  { title: 'WHAT', pointer: '/type' },
  { title: 'OBJECT', pointer: '/object' },
  { title: 'FIELDS', pointer: '/touched' },
];

export function addHistory(program: Command, session: Session): void {
  const command = program
    .command('history')
    .description('what was changed, by whom and when; the newest first')
    .argument('[kind]')
    .argument('[name]')
    .addOption(new Option('-n, --limit <count>', 'how many changes').argParser(countOf('a number of changes', 0, 10_000)).default(20))
    .option('--status', 'changes of nothing but status, too');
  addPrinting(command, ['table', 'json', 'yaml']).action(
    async (kindName: string | undefined, name: string | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const query = await queryFor(session, options, kindName, name);
      const items = await changes(session, query, options.limit);
      const lines = items.map((item) => ({ ...item, object: formatKey(item.key) }));
      session.io.out(render({ whole: { items }, items: lines, columns }, options));
    },
  );
}

/** The API looks at so many changes at a time; what was asked for may lie further back. */
async function changes(session: Session, query: URLSearchParams, limit: number): Promise<PastChange[]> {
  const items: PastChange[] = [];
  for (let next: number | null | undefined; next !== null && items.length < limit; ) {
    if (next !== undefined) query.set('until', String(next));
    query.set('limit', String(limit - items.length));
    const reply: { items: readonly PastChange[]; next: number | null } = await session.client.json(`/v1/history?${query}`, {
      about: 'history',
    });
    items.push(...reply.items);
    next = reply.next;
  }
  return items;
}

/** Without a kind: of all projects, unless one is named. */
async function queryFor(
  session: Session,
  options: Options,
  kindName: string | undefined,
  name: string | undefined,
): Promise<URLSearchParams> {
  const { project, all } = scopeOf(options);
  const kind = kindName === undefined ? undefined : await kindNamed(session.client, kindName);
  const inProject = kind === undefined ? options.project !== undefined : kind.scope === 'project' && !all;
  return new URLSearchParams({
    limit: String(options.limit),
    ...(kind === undefined ? {} : { kind: kind.kind }),
    ...(name === undefined ? {} : { name }),
    ...(inProject ? { project } : {}),
    ...(options.status === true ? { status: 'true' } : {}),
  });
}
