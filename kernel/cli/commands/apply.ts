/** `weft apply`: writes objects from files, all or none. */
import { type Command, Option } from 'commander';
import { formatKey } from '../../contract/system/index.ts';
import { applyManifests, formatResults } from '../changes.ts';
import { parseDuration } from '../duration.ts';
import { scopeOf } from '../kinds.ts';
import { readManifests } from '../manifests.ts';
import { toJson } from '../output.ts';
import { type GlobalOptions, outputOption, type Session } from '../session.ts';

interface Options extends GlobalOptions {
  readonly filename: string;
  readonly dryRun?: boolean;
  readonly confirm?: number;
  readonly output: string;
}

export function addApply(program: Command, session: Session): void {
  program
    .command('apply')
    .description('create or update objects, all of them or none')
    .requiredOption('-f, --filename <path>', 'file, directory, or - for stdin')
    .option('--dry-run', 'check everything, change nothing')
    .addOption(new Option('--confirm <duration>', 'take everything back after this time, unless: weft confirm').argParser(parseDuration))
    .addOption(outputOption(['table', 'json']))
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const files = await readManifests(options.filename, session.io.stdin);
      const dryRun = options.dryRun === true;
      const { confirm: confirmMs } = options;
      const asked = { project: scopeOf(options).project, dryRun, ...(confirmMs === undefined ? {} : { confirmMs }) };
      const reply = await applyManifests(session.client, files, asked);
      const lines = formatResults(reply.results, formatKey, dryRun ? ' (dry run)' : '');
      session.io.out(options.output === 'json' ? toJson(reply) : lines);
      if (reply.trial !== undefined) session.io.err(`on trial until ${reply.trial.until}: keep it with: weft confirm ${reply.trial.to}\n`);
    });
}
