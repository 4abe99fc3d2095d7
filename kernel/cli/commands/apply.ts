/** `weft apply`: writes objects from files, all or none. */
import type { Command } from 'commander';
import { formatKey } from '../../contract/system/index.ts';
import { applyManifests, formatResults } from '../changes.ts';
import { scopeOf } from '../kinds.ts';
import { readManifests } from '../manifests.ts';
import { toJson } from '../output.ts';
import { type GlobalOptions, outputOption, type Session } from '../session.ts';

interface Options extends GlobalOptions {
  readonly filename: string;
  readonly dryRun?: boolean;
  readonly output: string;
}

export function addApply(program: Command, session: Session): void {
  program
    .command('apply')
    .description('create or update objects, all of them or none')
    .requiredOption('-f, --filename <path>', 'file, directory, or - for stdin')
    .option('--dry-run', 'check everything, change nothing')
    .addOption(outputOption(['table', 'json']))
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const files = await readManifests(options.filename, session.io.stdin);
      const dryRun = options.dryRun === true;
      const reply = await applyManifests(session.client, files, { project: scopeOf(options).project, dryRun });
      const lines = formatResults(reply.results, formatKey, dryRun ? ' (dry run)' : '');
      session.io.out(options.output === 'json' ? toJson(reply) : lines);
    });
}
