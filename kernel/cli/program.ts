/** The command and its subcommands. Verbs of plugins are added by verbs.ts once the API has named them. */
import { Command } from 'commander';
import { addApply } from './commands/apply.ts';
import { addDelete } from './commands/delete.ts';
import { addDescribe } from './commands/describe.ts';
import { addDiff } from './commands/diff.ts';
import { addDown } from './commands/down.ts';
import { addExplain } from './commands/explain.ts';
import { addGet } from './commands/get.ts';
import { addLab } from './commands/lab.ts';
import { addPlugin } from './commands/plugin.ts';
import { addStatus } from './commands/status.ts';
import { addUp } from './commands/up.ts';
import { addWait } from './commands/wait.ts';
import type { Session } from './session.ts';

const commands = [addUp, addDown, addStatus, addApply, addDiff, addDelete, addGet, addDescribe, addExplain, addWait, addPlugin, addLab];

export function buildProgram(session: Session): Command {
  const program = new Command('weft')
    .description('Weft: virtual networks on one appliance')
    .option('--project <project>', 'project to work in (default: "default")')
    .option('-A, --all-projects', 'all projects')
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .configureOutput({ writeOut: session.io.out, writeErr: session.io.err, outputError: () => undefined })
    .exitOverride()
    .helpCommand(false)
    .addHelpText(
      'after',
      '\nEnvironment:\n  WEFT_API    address of the API: unix:/path or https://host:port\n  WEFT_TOKEN  token for https',
    );
  for (const add of commands) add(program, session);
  return program;
}
