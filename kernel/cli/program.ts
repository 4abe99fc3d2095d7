/** The command and its subcommands. Verbs of plugins are added by verbs.ts once the API has named them. */
import { Command } from 'commander';
import { addApply } from './commands/apply.ts';
import { addAudit } from './commands/audit.ts';
import { addBackup } from './commands/backup.ts';
import { addCompletion } from './commands/completion.ts';
import { addConfirm } from './commands/confirm.ts';
import { addDelete } from './commands/delete.ts';
import { addDescribe } from './commands/describe.ts';
import { addDiff } from './commands/diff.ts';
import { addDown } from './commands/down.ts';
import { addEdit } from './commands/edit.ts';
import { addExplain } from './commands/explain.ts';
import { addGet } from './commands/get.ts';
import { addHistory } from './commands/history.ts';
import { addLab } from './commands/lab.ts';
import { addPlugin } from './commands/plugin.ts';
import { addRestore } from './commands/restore.ts';
import { addRollback } from './commands/rollback.ts';
import { addStatus } from './commands/status.ts';
import { addSupportBundle } from './commands/support-bundle.ts';
import { addToken } from './commands/token.ts';
import { addUp } from './commands/up.ts';
import { addWait } from './commands/wait.ts';
import type { Session } from './session.ts';

const commands = [
  addUp,
  addDown,
  addStatus,
  addApply,
  addConfirm,
  addDiff,
  addEdit,
  addDelete,
  addGet,
  addDescribe,
  addExplain,
  addWait,
  addHistory,
  addAudit,
  addRollback,
  addBackup,
  addRestore,
  addToken,
  addPlugin,
  addLab,
  addSupportBundle,
  addCompletion,
];

export function buildProgram(session: Session): Command {
  const program = new Command('weft')
    .description('Weft: virtual networks on one appliance')
    .option('--project <project>', 'project to work in (default: "default")')
    .option('-A, --all-projects', 'all projects')
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .configureOutput({ writeOut: session.io.out, writeErr: () => undefined, outputError: () => undefined })
    .exitOverride()
    .helpCommand(false)
    .addHelpText(
      'after',
      '\nEnvironment:\n  WEFT_API    address of the API: unix:/path or https://host:port\n  WEFT_TOKEN  token\n  WEFT_CA     file of the certificate to trust\n  WEFT_CERT, WEFT_KEY  files of your own certificate and key',
    );
  for (const add of commands) add(program, session);
  return program;
}
