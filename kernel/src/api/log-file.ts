/**
 * Log files, read from the end. Each line comes out as a JSON object: what else a process prints (DPDK, Node's last words) is wrapped as `{"msg": line}`.
 */
import { type FileHandle, open, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as sleep } from 'node:timers/promises';

/** Read from the end of a file at most. */
const maxTailBytes = 8 * 1024 * 1024;
const chunkBytes = 64 * 1024;
const newline = 10;
const pollMs = 250;
/** While a head is being moved away. Who finds that it takes for ever, as after a launcher that died, waits no longer. */
const movePauseMs = 20;
const mostTries = 100;

/** The last lines, from the file that was written before this one, too, if need be; a file that does not exist has none. */
export async function readLog(path: string, lines: number): Promise<string> {
  const { value } = await settled(path, async () => {
    const own = await readOne(path, lines);
    const missing = lines - (own.match(/\n/g)?.length ?? 0);
    return missing > 0 ? (await readOne(olderOf(path), missing)) + own : own;
  });
  return value;
}

async function readOne(path: string, lines: number): Promise<string> {
  const file = await openIfThere(path);
  if (file === null) return '';
  try {
    return jsonLines((await tail(file, lines)).text);
  } finally {
    await file.close();
  }
}

/** Where the launcher moves the head of a log that has grown large. */
function olderOf(path: string): string {
  return `${path}.1`;
}

/** What the launcher copies the head to, before it takes it out of the log. */
function draftOf(path: string): string {
  return `${path}.new`;
}

/** All lines as they are, the newest first: of the log, then of those that it was before. */
export async function* newestLines(path: string): AsyncGenerator<string> {
  for (let age = 0; ; age += 1) {
    const file = await openIfThere(age === 0 ? path : `${path}.${age}`);
    if (file === null && age > 0) return;
    if (file === null) continue;
    try {
      yield* linesBackwards(file);
    } finally {
      await file.close();
    }
  }
}

async function* linesBackwards(file: FileHandle): AsyncGenerator<string> {
  let { size: at } = await file.stat();
  for (let rest = Buffer.alloc(0); at > 0; ) {
    const chunk = Buffer.alloc(Math.min(at, chunkBytes));
    at -= chunk.length;
    await file.read(chunk, 0, chunk.length, at);
    const bytes = Buffer.concat([chunk, rest]);
    // what stands before the first end of a line may have its beginning in the next chunk
    const whole = at === 0 ? 0 : bytes.indexOf(newline) + 1 || bytes.length;
    rest = bytes.subarray(0, whole);
    const lines = bytes.toString('utf8', whole).split('\n');
    yield* lines.filter((line) => line.trim() !== '').reverse();
  }
}

/** The last lines, then whatever is appended, until the signal aborts; no matter that its head is moved away meanwhile. */
export function followLog(path: string, lines: number, signal: AbortSignal): Readable {
  return Readable.from(follow(path, lines, signal));
}

async function* follow(path: string, lines: number, signal: AbortSignal): AsyncGenerator<string> {
  const file = await openIfThere(path);
  if (file === null) return;
  try {
    const { value: start, mark } = await settled(path, () => tail(file, lines));
    const whole = new WholeLines();
    yield* whole.take(start.text);
    const decoder = new StringDecoder();
    const chunk = Buffer.alloc(chunkBytes);
    let [at, last] = [start.end, mark];
    while (!signal.aborted) {
      const reached = at;
      const known = last;
      const part = await settled(path, (now) =>
        now === known || now === null ? readAt(file, chunk, reached) : afterMove(path, file, reached),
      );
      [at, last] = [part.value.next, part.mark ?? known];
      yield* whole.take(decoder.write(part.value.bytes));
      if (part.value.bytes.length === 0 && last === known) await sleep(pollMs);
    }
  } finally {
    await file.close();
  }
}

interface Part {
  readonly bytes: Buffer;
  /** Where to go on in the log. */
  readonly next: number;
}

async function readAt(file: FileHandle, chunk: Buffer, at: number): Promise<Part> {
  const { size } = await file.stat();
  const from = size < at ? 0 : at;
  const { bytesRead } = await file.read(chunk, 0, chunk.length, from);
  return { bytes: chunk.subarray(0, bytesRead), next: from + bytesRead };
}

/** Reads while no head is being moved away: again when one was meanwhile. @returns what was read, and a mark that is another after each move */
async function settled<T>(path: string, read: (mark: string | null) => Promise<T>): Promise<{ value: T; mark: string | null }> {
  for (let tries = 1; ; tries += 1) {
    const mark = await markOf(path);
    if (mark !== null || tries > mostTries) {
      const value = await read(mark);
      if (tries > mostTries || (await markOf(path)) === mark) return { value, mark };
    } else await sleep(movePauseMs);
  }
}

/** The head of the log has become an older file: what a reader that stood at `at` has not read of it, and where it goes on in the log. */
async function afterMove(path: string, log: FileHandle, at: number): Promise<Part> {
  const older = await open(olderOf(path));
  try {
    const { size } = await older.stat();
    const bytes = Buffer.alloc(Math.max(0, size - at));
    await older.read(bytes, 0, bytes.length, at);
    const start = Buffer.alloc(chunkBytes);
    const { bytesRead } = await log.read(start, 0, chunkBytes, 0);
    // Only whole blocks can be taken out of a file: what is too much of the head stands there as one blank line.
    const blank = /^ *\n/.exec(start.toString('latin1', 0, bytesRead))?.[0].length ?? 0;
    return { bytes, next: Math.max(at, size) - size + blank };
  } finally {
    await older.close();
  }
}

/** Null while a head is being moved away. */
async function markOf(path: string): Promise<string | null> {
  if ((await ifThere(() => stat(draftOf(path)))) !== null) return null;
  const older = await ifThere(() => stat(olderOf(path)));
  return older === null ? '' : `${older.ino} ${older.mtimeMs}`;
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
  const lines = text.split('\n').filter((line, index, all) => line.trim() !== '' || index === all.length - 1);
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
  for (let left = lines; left > 0 && from > 0; left -= 1) from = from < 2 ? 0 : bytes.lastIndexOf(newline, from - 2) + 1;
  return { text: bytes.toString('utf8', from, bytesRead), end: size };
}

async function openIfThere(path: string): Promise<FileHandle | null> {
  return await ifThere(() => open(path));
}

async function ifThere<T>(look: () => Promise<T>): Promise<T | null> {
  try {
    return await look();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
