/**
 * Log lines of the forwarder process: one JSON object per line on stdout, in pino's shape, from the main isolate and the Worker alike.
 * Written with one write call each, so that lines of both threads never mix and none is lost when the Worker is killed.
 */
import { writeSync } from 'node:fs';

const levels = { trace: 10, debug: 20, info: 30, warn: 40, error: 50 } as const;
type Level = Exclude<keyof typeof levels, 'trace'>;

type Fields = Readonly<Record<string, unknown>>;
export type Log = Readonly<Record<Level, (msg: string, fields?: Fields) => void>>;

/** A log that shows lines of `lowest` and above (an unknown name means info); `thread` tells the isolates apart. */
export function makeLog(lowest: string, thread: 'main' | 'worker', write: (line: string) => void = writeStdout): Log {
  const threshold = levels[lowest as keyof typeof levels] ?? levels.info;
  const at =
    (level: Level) =>
    (msg: string, fields?: Fields): void => {
      if (levels[level] < threshold) return;
      write(`${JSON.stringify({ level: levels[level], time: Date.now(), name: 'forwarder', thread, ...fields, msg })}\n`);
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function writeStdout(line: string): void {
  try {
    writeSync(1, line);
  } catch {
    // A full or closed pipe must not stop the forwarder; the line is lost.
  }
}
