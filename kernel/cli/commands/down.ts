/** `weft down`: becomes the program that stops a running launcher. */
import type { Command } from 'commander';
import { downProgram } from '../programs.ts';
import type { Session } from '../session.ts';

export function addDown(program: Command, session: Session): void {
  program
    .command('down')
    .description('stop Weft and remove what it made on the host')
    .option('--config <file>', 'host settings that `weft up` was given')
    .option('--state-dir <dir>', 'the directory that `weft up` was given')
    .option('--api <address>', 'the address that `weft up` was given')
    .action((options: { config?: string; stateDir?: string; api?: string }) => {
      const args = [
        ...(options.config === undefined ? [] : ['--config', options.config]),
        ...(options.stateDir === undefined ? [] : ['--state-dir', options.stateDir]),
        ...(options.api === undefined ? [] : ['--api', options.api]),
      ];
      session.io.exec(downProgram, args);
    });
}
