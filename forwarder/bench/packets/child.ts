/** A program under test: started beside the packet CPU, dead when the benchmark is, with the end of its output at hand. */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** CPU that it starts on; the threads that poll choose theirs. */
  readonly cpu: number;
}

export interface Child {
  /** Resolves when its output matches. Throws an Error with the end of its output when it ends before, or after `timeoutMs`. */
  says(pattern: RegExp, timeoutMs: number): Promise<void>;
  /** Writes to its standard input and closes that; ends it by force when it does not end by itself. */
  stop(lastWords: string): Promise<void>;
}

const patienceMs = 5_000;
const pollMs = 5;
const keptCharacters = 4_000;
const shownLines = 12;

export function startChild({ program, args, environment, cpu }: Command): Child {
  // The environment is set behind setpriv and taskset: what is preloaded is for the program alone.
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const command = ['--pdeathsig', 'KILL', 'taskset', '-c', String(cpu), 'env', ...variables, program, ...args];
  const child = spawn('setpriv', command, { stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  let end: string | undefined;
  const keep = (text: unknown) => {
    output = (output + String(text)).slice(-keptCharacters);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  child.stdin.on('error', keep);
  child.once('error', (error) => (end = error.message));
  const ended = new Promise<void>((resolve) =>
    child.once('close', (code, signal) => {
      end ??= `ended (${signal ?? code})`;
      resolve();
    }),
  );
  const failure = (what: string) => new Error(`${program} ${what}:\n${output.trimEnd().split('\n').slice(-shownLines).join('\n')}`);
  return {
    async says(pattern, timeoutMs) {
      for (const last = Date.now() + timeoutMs; !pattern.test(output); await sleep(pollMs)) {
        if (end !== undefined) throw failure(end);
        if (Date.now() > last) throw failure(`was not ready after ${timeoutMs} ms`);
      }
    },
    async stop(lastWords) {
      if (child.pid === undefined) return;
      child.stdin.end(lastWords);
      const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
      await ended;
      clearTimeout(timer);
    },
  };
}
