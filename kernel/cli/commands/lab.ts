/** `weft lab …`: becomes the lab's own program; arguments are passed on as they are. */
import type { Command } from 'commander';
import { labProgram } from '../programs.ts';
import type { Session } from '../session.ts';

export function addLab(program: Command, session: Session): void {
  const lab = program.command('lab').description('virtual machines made of namespaces, to try things with');
  const verbs: [string, string][] = [
    ['up', 'FILE|NAME: make the machines and objects of a scenario'],
    ['exec', 'VM -- CMD…: run a command in a machine'],
    ['list', 'labs and their machines'],
    ['down', '[NAME]: remove a lab, all of them without a name'],
  ];
  for (const [verb, description] of verbs)
    lab
      .command(verb)
      .description(description)
      .helpOption(false)
      .allowUnknownOption()
      .allowExcessArguments()
      .argument('[args...]')
      .action(() => session.io.exec(labProgram, session.behind(lab.name())));
}
