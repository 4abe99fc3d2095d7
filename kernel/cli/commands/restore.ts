/** `weft restore`: becomes the program that brings a backup back. */
import type { Command } from 'commander';
import { restoreProgram } from '../programs.ts';
import type { Session } from '../session.ts';

export function addRestore(program: Command, session: Session): void {
  program
    .command('restore')
    .description('bring back a backup, or a snapshot of the store, while Weft is stopped')
    .argument('<file>', 'what weft backup wrote, or the folder of a snapshot')
    .option('--config <file>', 'host settings that `weft up` is given')
    .option('--state-dir <dir>', 'the directory that `weft up` is given')
    .action((file: string, options: { config?: string; stateDir?: string }) => {
      const args = [
        file,
        ...(options.config === undefined ? [] : ['--config', options.config]),
        ...(options.stateDir === undefined ? [] : ['--state-dir', options.stateDir]),
      ];
      session.io.exec(restoreProgram, args);
    });
}
