/** `weft confirm`: keeps what `weft apply --confirm` put on trial. */
import type { Command } from 'commander';
import { type Trial, trialsOf } from '../changes.ts';
import { failure } from '../errors.ts';
import type { Session } from '../session.ts';
import { parseRevision } from './rollback.ts';

export function addConfirm(program: Command, session: Session): void {
  program
    .command('confirm')
    .description('keep a change that was applied with --confirm')
    .argument('[change]', 'its number; the only one when left out', parseRevision)
    .option('--revert', 'take it back now instead')
    .action(async (given: number | undefined, options: { revert?: boolean }) => {
      const number = given ?? (await onlyTrial(session));
      const verb = options.revert === true ? 'revert' : 'confirm';
      await session.client.json<Trial>(`/v1/trials/${number}/${verb}`, { method: 'POST', about: `change ${number}` });
      session.io.out(`change ${number} ${verb}ed\n`);
    });
}

async function onlyTrial(session: Session): Promise<number> {
  const items = await trialsOf(session.client);
  const [trial] = items;
  if (trial !== undefined && items.length === 1) return trial.to;
  if (trial === undefined) throw failure('nothing is on trial', 'confirm', 'it was confirmed or taken back already: weft history');
  throw failure(`${items.length} changes are on trial`, 'confirm', `name one: ${items.map(({ to }) => to).join(', ')}`);
}
