/** Entry of the command `weft`. */
import { spawnSync } from 'node:child_process';
import { writeSync } from 'node:fs';
import { exitCodes, formatFinding } from './errors.ts';
import type { Io } from './io.ts';
import { run } from './run.ts';

const interrupted = new AbortController();
/** What a command may take to end by itself once it is interrupted. */
const graceMs = 200;
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(name, () => {
    interrupted.abort();
    setTimeout(() => process.exit(130), graceMs).unref();
  });
// A reader that went away (`weft get … | head`) ends the command, silently; a full disk does not.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    if (stream === process.stdout)
      writeSync(process.stderr.fd, `${formatFinding({ what: error.message, where: 'stdout', fix: 'write it where there is room' })}\n`);
    process.exit(exitCodes.failed);
  });

const io: Io = {
  env: process.env,
  stdin: process.stdin,
  terminal: process.stdout.isTTY === true && process.env.NO_COLOR === undefined,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  signal: interrupted.signal,
  run: (program, args) => spawnSync(program, args, { stdio: 'inherit' }).status ?? 1,
  exec: (program, args) => {
    if (process.execve === undefined) throw new Error(`Node ${process.version} is too old: run it by kernel/cli/bin/weft`);
    const env = Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined));
    process.execve(process.execPath, [process.execPath, '--disable-warning=ExperimentalWarning', program, ...args], env);
    throw new Error(`cannot run ${program}`);
  },
};

process.exitCode = await run(process.argv.slice(2), io);
