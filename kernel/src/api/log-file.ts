/**
 * Log files, read from the end. Each line comes out as a JSON object: what else a process prints (DPDK, Node's last words) is wrapped as `{"msg": line}`.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as sleep } from 'node:timers/promises';

/** Read from the end of a file at most. */
const maxTailBytes = 8 * 1024 * 1024;
const chunkBytes = 64 * 1024;
const pollMs = 250;

/** The last lines; a file that does not exist has none. */
export async function readLog(path: string, lines: number): Promise<string> {
  const file = await openIfThere(path);
  if (file === null) return '';
  try {
    return jsonLines((await tail(file, lines)).text);
  } finally {
    await file.close();
  }
}

/** The last lines, then whatever is appended, until the signal aborts. A file that is cut short is read from its start. */
export function followLog(path: string, lines: number, signal: AbortSignal): Readable {
  return Readable.from(follow(path, lines, signal));
}

async function* follow(path: string, lines: number, signal: AbortSignal): AsyncGenerator<string> {
  const file = await openIfThere(path);
  if (file === null) return;
  try {
    const { text, end } = await tail(file, lines);
    const whole = new WholeLines();
    yield* whole.take(text);
    const decoder = new StringDecoder();
    const chunk = Buffer.alloc(chunkBytes);
    for (let at = end; !signal.aborted; ) {
      const { size } = await file.stat();
      if (size < at) at = 0;
      const { bytesRead } = await file.read(chunk, 0, chunkBytes, at);
      at += bytesRead;
      if (bytesRead > 0) yield* whole.take(decoder.write(chunk.subarray(0, bytesRead)));
      else await sleep(pollMs);
    }
  } finally {
    await file.close();
  }
}

/** Keeps the beginning of a line until its end is there. */
class WholeLines {
  #begun = '';

  *take(text: string): Generator<string> {
    const all = this.#begun + text;
    const end = all.length > maxTailBytes ? all.length : all.lastIndexOf('\n') + 1;
    this.#begun = all.slice(end);
    if (end > 0) yield jsonLines(all.slice(0, end));
  }
}

function jsonLines(text: string): string {
  const lines = text.split('\n');
  return lines.map((line) => (line === '' || isObject(line) ? line : JSON.stringify({ msg: line }))).join('\n');
}

function isObject(line: string): boolean {
  if (!line.startsWith('{')) return false;
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

async function tail(file: FileHandle, lines: number): Promise<{ text: string; end: number }> {
  const { size } = await file.stat();
  const bytes = Buffer.alloc(Math.min(size, maxTailBytes));
  const { bytesRead } = await file.read(bytes, 0, bytes.length, size - bytes.length);
  let from = bytesRead;
  for (let left = lines; left > 0 && from > 0; left -= 1) from = from < 2 ? 0 : bytes.lastIndexOf(10, from - 2) + 1;
  return { text: bytes.toString('utf8', from, bytesRead), end: size };
}

async function openIfThere(path: string): Promise<FileHandle | null> {
  try {
    return await open(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
