/** Other programs, run to their end: `ip`, and `weft` itself, through which the lab says everything to the appliance. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { LabFailure } from './failure.ts';

const command = join(import.meta.dirname, '..', '..', '..', 'kernel', 'cli', 'bin', 'weft');

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Never fails for an exit code; 127 when there is no such program. */
export async function run(program: string, args: readonly string[], input = ''): Promise<Result> {
  const child = spawn(program, [...args], { stdio: 'pipe' });
  const ended = new Promise<number>((resolve) => {
    child.once('error', () => resolve(127));
    child.once('close', (code) => resolve(code ?? 1));
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [code, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { code, stdout, stderr };
}

/** iproute2's program. */
export const ipProgram = 'ip';

/** `ip …`; an exit code other than 0 is a failure that repeats what it said. */
export async function ip(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(ipProgram, args);
  if (code !== 0)
    throw new LabFailure(stderr.trim() || `exit code ${code}`, `ip ${args.join(' ')}`, 'see what is there with: ip netns list');
  return stdout;
}

/** `weft …`; its own error lines are passed on. */
export async function weft(args: readonly string[], input = ''): Promise<string> {
  const { code, stdout, stderr } = await run(command, args, input);
  if (code !== 0) throw new WeftRefused(stderr.trim());
  return stdout;
}

/** What `weft` said on stderr, ready to be printed. */
export class WeftRefused extends Error {}
