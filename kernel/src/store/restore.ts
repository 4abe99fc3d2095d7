/** Puts a store together again: from the lines of a backup, or from the copy of one. */
import { fail, keyOf } from '../../contract/system/index.ts';
import type { BackupHeader, BackupLine } from './backup.ts';
import { addressOf, type Environment, formatOf, formatVersion, openEnvironment, schemaPrefix, settingPrefix } from './environment.ts';
import { isSealed } from './sealer.ts';

/** Lines of one transaction. */
const chunk = 1_000;
/** Between the revisions of a restored store and those of its former life, however long that went on. */
const epoch = 1_000_000_000;

/** What was restored. */
export interface Restored {
  /** Revision of the backup. */
  readonly from: number;
  /** From where it goes on. */
  readonly revision: number;
}

export interface RestoredLines extends Restored {
  readonly header: BackupHeader;
  /** Of its secrets, base64, when it holds it. */
  readonly key?: string;
  /** Objects that only open with that key. */
  readonly sealed: number;
}

/**
 * @param path folder of a store that does not exist yet
 * @param lines of a backup that was verified
 * @param above where an earlier restore to the same place let it go on; 0 when there was none
 * @throws MALFORMED naming the line
 */
export async function restoreLines(path: string, lines: AsyncIterable<string>, above: number): Promise<RestoredLines> {
  const environment = openEnvironment(path);
  try {
    let header: BackupHeader | undefined;
    let key: string | undefined;
    let count = 0;
    let sealed = 0;
    let ended = false;
    let waiting: BackupLine[] = [];
    const write = (): void => {
      environment.root.transactionSync(() => {
        for (const line of waiting) put(environment, line);
      });
      waiting = [];
    };
    for await (const text of lines) {
      const line = parsed(text, count + 1);
      if ('end' in line && line.end.lines !== count) throw malformed(count + 1, `it is the end of ${line.end.lines} lines`);
      if ('header' in line !== (count === 0)) throw malformed(count + 1, 'the header is the first line');
      if (ended) throw malformed(count + 1, 'the backup has ended before');
      if ('header' in line) header = line.header;
      if ('end' in line) ended = true;
      if ('key' in line) key = line.key;
      if ('object' in line && isSealed(line.object)) sealed += 1;
      count += 1;
      if (waiting.push(line) === chunk) write();
    }
    write();
    if (header === undefined) throw malformed(1, 'there is none');
    if (!ended) throw malformed(count + 1, 'the end is missing');
    const { revision, floor, kindRevisions } = header;
    environment.root.transactionSync(() => {
      const { meta } = environment;
      for (const [name, value] of Object.entries({ format: formatVersion, revision, floor, kindRevisions })) meta.putSync(name, value);
    });
    return { header, sealed, ...(key === undefined ? {} : { key }), ...goOn(environment, above) };
  } finally {
    await environment.root.flushed;
    await environment.root.close();
  }
}

/**
 * @param path folder of a store that was copied there, of this format or an older one
 * @param above as in `restoreLines`
 * @throws INTERNAL for a newer one
 */
export async function restoreCopy(path: string, above: number): Promise<Restored> {
  const environment = openEnvironment(path);
  try {
    if (formatOf(environment) === null) throw fail('MALFORMED', `there is no store of Weft in ${path}`, 'name another file');
    return goOn(environment, above);
  } finally {
    await environment.root.flushed;
    await environment.root.close();
  }
}

/** Revisions go on far above those that any watcher can have seen: it must list again. */
function goOn({ root, meta }: Environment, above: number): Restored {
  const from = (meta.get('revision') as number | undefined) ?? 0;
  const revision = (Math.floor(Math.max(from, above) / epoch) + 1) * epoch;
  root.transactionSync(() => {
    meta.putSync('revision', revision);
    meta.putSync('resumable', revision);
  });
  return { from, revision };
}

function put({ meta, objects, log }: Environment, line: BackupLine): void {
  if ('object' in line) objects.putSync(addressOf(keyOf(line.object)), line.object);
  else if ('change' in line) log.putSync(line.change.revision, line.change);
  else if ('setting' in line) meta.putSync(settingPrefix + line.setting.name, line.setting.value);
  else if ('schema' in line) {
    const { kind, ...schema } = line.schema;
    meta.putSync(schemaPrefix + kind, schema);
  }
}

const words = ['header', 'key', 'schema', 'setting', 'object', 'change', 'end'];

function parsed(text: string, number: number): BackupLine {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch (thrown) {
    throw malformed(number, (thrown as Error).message);
  }
  const [word = '', ...more] = Object.keys((line ?? {}) as object);
  if (!words.includes(word) || more.length > 0) throw malformed(number, `this program does not know what "${word}" is`);
  return line as BackupLine;
}

function malformed(line: number, what: string): Error {
  return fail('MALFORMED', `line ${line} of the backup: ${what}`, 'take another backup, or the program that wrote it');
}
