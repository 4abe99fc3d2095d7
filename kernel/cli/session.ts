/** What every command is given: its surroundings and, once it asks, a client of the API. */
import { Option } from 'commander';
import { Client } from './client.ts';
import type { Io } from './io.ts';
import type { Format } from './output.ts';

export class Session {
  readonly io: Io;
  readonly #args: readonly string[];
  #client: Client | undefined;

  /** Set by a command that succeeded with another exit code than 0, e.g. `diff` that found differences. */
  exitCode = 0;

  constructor(io: Io, args: readonly string[]) {
    this.io = io;
    this.#args = args;
  }

  /** What stands behind the name of a command, for one that hands over to another program. */
  behind(command: string): readonly string[] {
    return this.#args.slice(this.#args.indexOf(command) + 1);
  }

  /** A client for questions that must be answered within that time, ms. */
  clientWithin(ms: number): Client {
    return new Client(this.io.env, ms);
  }

  get client(): Client {
    this.#client ??= new Client(this.io.env);
    return this.#client;
  }
}

/** Options that every command takes. */
export interface GlobalOptions {
  readonly project?: string;
  readonly allProjects?: boolean;
}

/** `-o FORMAT` restricted to what the command can print. */
export function outputOption(choices: readonly Format[]): Option {
  return new Option('-o, --output <format>', 'form of the output').choices(choices).default(choices[0]);
}
