/** `weft rollback`: all objects as they were at a revision. */
import { type Command, InvalidArgumentError } from 'commander';
import { formatKey } from '../../contract/system/index.ts';
import { type ApplyReply, formatResults } from '../changes.ts';
import { toJson } from '../output.ts';
import { outputOption, type Session } from '../session.ts';

export function addRollback(program: Command, session: Session): void {
  program
    .command('rollback')
    .description('make all objects what they were at a revision (see: weft history)')
    .argument('<revision>', 'as weft history shows it', parseRevision)
    .option('--dry-run', 'tell what would change, change nothing')
    .addOption(outputOption(['table', 'json']))
    .action(async (revision: number, options: { dryRun?: boolean; output: string }) => {
      const dryRun = options.dryRun === true;
      const query = new URLSearchParams({ revision: String(revision), ...(dryRun ? { dryRun: 'true' } : {}) });
      const reply = await session.client.json<ApplyReply>(`/v1/rollback?${query}`, { method: 'POST', about: `revision ${revision}` });
      session.io.out(options.output === 'json' ? toJson(reply) : formatResults(reply.results, formatKey, dryRun ? ' (dry run)' : ''));
    });
}

export function parseRevision(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a number, as weft history shows it.');
  return Number(text);
}
