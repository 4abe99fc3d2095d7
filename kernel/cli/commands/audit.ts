/** `weft audit`: who asked to change something, and who was refused. */
import { type Command, Option } from 'commander';
import { addPrinting, type Printing, render } from '../answers.ts';
import { countOf } from '../count.ts';
import { parseDuration } from '../duration.ts';
import type { Session } from '../session.ts';

interface AuditLine {
  readonly objects: readonly string[];
  readonly count: number;
  /** Nothing was to be changed. */
  readonly dryRun?: boolean;
  readonly status: number;
  readonly code: string;
  readonly subject: string | null;
  readonly method: string;
  readonly route: string | null;
  readonly parameters: Readonly<Record<string, string>>;
}

interface Options extends Printing {
  readonly limit: number;
  readonly since?: string;
  readonly subject?: string;
}

const columns = [
  { title: 'TIME', pointer: '/time' },
  { title: 'WHO', pointer: '/who' },
  { title: 'FROM', pointer: '/source' },
  { title: 'WHAT', pointer: '/what' },
  { title: 'OBJECTS', pointer: '/about' },
  { title: 'OUTCOME', pointer: '/outcome' },
  { title: 'REVISION', pointer: '/revision' },
];

export function addAudit(program: Command, session: Session): void {
  const command = program
    .command('audit')
    .description('who asked to change something, and who was refused; the newest first')
    .addOption(new Option('-n, --limit <count>', 'how many').argParser(countOf('a number of lines', 0, 10_000)).default(20))
    .addOption(new Option('--since <time>', 'from then on: 2030-01-31T08:00:00Z, or so long ago: 2h').argParser(parseSince))
    .option('--subject <subject>', 'only of this one: user:uid-1000, token:ci, cert:alice');
  addPrinting(command, ['table', 'json', 'yaml']).action(async (_options: unknown, command: Command) => {
    const options = command.optsWithGlobals<Options>();
    const { limit, since, subject } = options;
    const query = new URLSearchParams({
      limit: String(limit),
      ...(since === undefined ? {} : { since }),
      ...(subject === undefined ? {} : { subject }),
    });
    const whole = await session.client.json<{ items: readonly AuditLine[] }>(`/v1/audit?${query}`, { about: 'audit log' });
    session.io.out(render({ whole, items: whole.items.map(inWords), columns }, options));
  });
}

function inWords(line: AuditLine): object {
  const { subject, method, route, parameters, objects, count, dryRun, status, code } = line;
  const path = (route ?? '').replaceAll(/\{(\w+)\}/g, (place, name: string) => parameters[name] ?? place);
  const more = count > 1 ? ` and ${count - 1} more` : '';
  const about = objects.length === 0 ? '' : `${objects[0]}${more}`;
  return {
    ...line,
    who: subject ?? 'unknown',
    what: `${method} ${path}`.trim(),
    about,
    outcome: code !== '' ? `${status} ${code}` : dryRun === true ? 'dry run' : 'done',
  };
}

/** A time, or how long ago it was. */
function parseSince(text: string): string {
  if (/^\d{4}-/.test(text) && !Number.isNaN(Date.parse(text))) return new Date(text).toISOString();
  return new Date(Date.now() - parseDuration(text)).toISOString();
}
