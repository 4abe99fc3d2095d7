/** `weft up`: becomes the launcher. */
import type { Command } from 'commander';
import { launcherProgram } from '../programs.ts';
import type { Session } from '../session.ts';

export function addUp(program: Command, session: Session): void {
  program
    .command('up')
    .description('start Weft in the foreground; prints "ready" once all enabled plugins serve')
    .option('--config <file>', 'host settings')
    .option('--state-dir <dir>', 'keep everything below DIR; the API socket is DIR/api.sock')
    .option('--api <address>', 'address of the API: unix:/path')
    .action((options: { config?: string; stateDir?: string; api?: string }) => {
      const args = [
        ...(options.config === undefined ? [] : ['--config', options.config]),
        ...(options.stateDir === undefined ? [] : ['--state-dir', options.stateDir]),
        ...(options.api === undefined ? [] : ['--api', options.api]),
      ];
      session.io.exec(launcherProgram, args);
    });
}
