/** The confined processes run under uids of their own: what they are to run must be readable by all. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fail } from '../../contract/system/index.ts';

const readFile = 0o4;
const enterFolder = 0o5;

/**
 * Looks at the program folder and at the top entries of those folders of it that are run: enough to find a clone made under a strict umask.
 * Throws FORBIDDEN with the command that helps, NOT_FOUND for a folder of the settings that does not exist.
 */
export function assertReadable(programDir: string, extraDirs: readonly string[] = []): void {
  const parts = ['kernel', 'plugins', 'node_modules'].map((name) => join(programDir, name));
  const closed = [programDir, ...parts.flatMap(withEntries)].find(isClosed);
  if (closed !== undefined) throw refusal(closed, programDir);
  for (const dir of extraDirs) {
    if (!existsSync(dir))
      throw fail('NOT_FOUND', `the plugin folder ${dir} of the settings does not exist`, 'make it, or take it out of pluginDirs');
    const path = withEntries(dir).find(isClosed);
    if (path !== undefined) throw refusal(path, dir);
  }
}

function refusal(path: string, dir: string) {
  return fail('FORBIDDEN', `kernel and plugins, which run as users of their own, may not read ${path}`, `chmod -R o+rX '${dir}'`);
}

function withEntries(dir: string): string[] {
  try {
    return [dir, ...readdirSync(dir).map((name) => join(dir, name))];
  } catch {
    // What is missing is missed by those who need it, with a better sentence.
    return [];
  }
}

function isClosed(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return false;
  const needed = stat.isDirectory() ? enterFolder : readFile;
  return (stat.isDirectory() || stat.isFile()) && (stat.mode & needed) !== needed;
}
