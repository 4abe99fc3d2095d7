/** One launcher per run directory: a lock file that names its holder. */
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fail } from '../../contract/system/index.ts';
import { identify, isAlive, type ProcessId } from './proc.ts';

/** Takes the lock. Returns whether a dead holder's lock was replaced. Throws `CONFLICT` while its holder lives. */
export function takeLock(path: string): { stale: boolean } {
  const own = identify(process.pid);
  for (let stale = false; ; stale = true) {
    if (writeNew(path, JSON.stringify(own))) return { stale };
    const holder = lockHolder(path);
    if (holder !== null)
      throw fail(
        'CONFLICT',
        `Weft is already running as process ${holder.pid} (${path})`,
        'stop it with weft down and the same --state-dir, or end that process',
      );
    rmSync(path, { force: true });
  }
}

/** Makes a file with all of its content at once, unless it exists. */
function writeNew(path: string, content: string): boolean {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, content);
  try {
    linkSync(draft, path);
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
    return false;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** The living holder of a lock; null when there is none. */
export function lockHolder(path: string): ProcessId | null {
  let holder: ProcessId;
  try {
    holder = JSON.parse(readFileSync(path, 'utf8')) as ProcessId;
  } catch {
    return null;
  }
  return isAlive(holder) ? holder : null;
}
