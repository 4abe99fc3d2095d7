/** One run of the command, from arguments to exit code. */
import { type Command, CommanderError } from 'commander';
import { CommandFailure, exitCodes, formatFinding } from './errors.ts';
import type { Io } from './io.ts';
import { buildProgram } from './program.ts';
import { Session } from './session.ts';
import { addVerbs } from './verbs.ts';

/** Never throws: whatever goes wrong becomes lines on stderr and an exit code. */
export async function run(given: readonly string[], io: Io): Promise<number> {
  const args = given.length === 0 ? ['--help'] : given;
  const session = new Session(io, args);
  try {
    const program = buildProgram(session);
    const verb = program.parseOptions([...args]).operands[0];
    const known = program.commands.some((command) => command.name() === verb);
    if (!known) await addPluginVerbs(program, session, verb);
    await program.parseAsync([...args], { from: 'user' });
    return session.exitCode;
  } catch (thrown) {
    return io.signal.aborted ? 130 : report(thrown, args, io);
  }
}

/** An unknown verb needs the API; the plain help shows the plugins' verbs when it answers and does without when not. */
async function addPluginVerbs(program: Command, session: Session, given: string | undefined): Promise<void> {
  try {
    await addVerbs(program, session);
  } catch (thrown) {
    if (given !== undefined) throw thrown;
    program.addHelpText('after', '\nThe verbs of plugins are listed here while Weft runs.');
  }
}

function report(thrown: unknown, args: readonly string[], io: Io): number {
  if (thrown instanceof CommandFailure) {
    for (const finding of thrown.findings) io.err(`${formatFinding(finding)}\n`);
    return thrown.exitCode;
  }
  if (thrown instanceof CommanderError) {
    if (thrown.exitCode === 0) return 0;
    const what = thrown.code === 'commander.help' ? 'no command is named' : thrown.message.replace(/^error: /, '');
    io.err(`${formatFinding({ what, where: ['weft', ...args].join(' '), fix: 'see: weft --help, or weft COMMAND --help' })}\n`);
    return exitCodes.usage;
  }
  const what = thrown instanceof Error ? thrown.message : String(thrown);
  io.err(`${formatFinding({ what, where: ['weft', ...args].join(' '), fix: 'this is a defect of Weft: please report it' })}\n`);
  return exitCodes.failed;
}
