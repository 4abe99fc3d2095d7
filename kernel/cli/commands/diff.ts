/** `weft diff`: what `weft apply` would change. Exit 0: nothing, 1: something, 2 or more: it failed. */
import type { Command } from 'commander';
import { formatKey, type WeftObject } from '../../contract/system/index.ts';
import { applyManifests, type ChangeResult } from '../changes.ts';
import { CommandFailure, exitCodes } from '../errors.ts';
import { scopeOf } from '../kinds.ts';
import { unifiedDiff } from '../line-diff.ts';
import { readManifests } from '../manifests.ts';
import { writtenPart } from '../output.ts';
import type { GlobalOptions, Session } from '../session.ts';

interface Options extends GlobalOptions {
  readonly filename: string;
}

export function addDiff(program: Command, session: Session): void {
  program
    .command('diff')
    .description('show what apply would change; exit 0: nothing, 1: something, 2: it failed')
    .requiredOption('-f, --filename <path>', 'file, directory, or - for stdin')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const text = await differences(session, options).catch(asFailedDiff);
      session.io.out(text);
      session.exitCode = text === '' ? 0 : 1;
    });
}

async function differences(session: Session, options: Options): Promise<string> {
  const files = await readManifests(options.filename, session.io.stdin);
  const reply = await applyManifests(session.client, files, { project: scopeOf(options).project, dryRun: true });
  return reply.results.map(differenceOf).join('');
}

/** Exit code 1 means "differences": a failure needs another one. */
function asFailedDiff(error: unknown): never {
  if (error instanceof CommandFailure) throw new CommandFailure(error.findings, exitCodes.usage, error.code);
  throw error;
}

function differenceOf({ key, action, before, after }: ChangeResult): string {
  const name = formatKey(key);
  const text = (object: WeftObject | null): string => (object === null ? '' : writtenPart(object));
  const differing = unifiedDiff(text(before), text(after), `${name} (now)`, `${name} (applied)`);
  return differing === '' && action !== 'unchanged' ? `${name}: values that are not shown differ\n` : differing;
}
