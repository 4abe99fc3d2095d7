/** What a run of the command sees of its surroundings; tests give their own. */
import type { Readable } from 'node:stream';

export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable;
  /** Stdout is a terminal: colours and progress are allowed. */
  readonly terminal: boolean;
  out(text: string): void;
  err(text: string): void;
  /** Aborted when the user interrupts. */
  readonly signal: AbortSignal;
  /** Runs another program on the user's terminal; its exit code. */
  run(program: string, args: readonly string[]): number;
  /** Replaces this process by another program of the clone; never returns in a real process. */
  exec(program: string, args: readonly string[]): never;
}
