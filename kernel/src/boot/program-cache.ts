/**
 * Node's compile cache of the program. The launcher strips the types once and its children, who may only read, never load the stripper: that is a third
 * of the memory and of the start of each. Nobody but root writes, for who writes here decides what the others run.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, globSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** In the program folder, so that confined children find it where they find the program. */
const place = 'node_modules/.weft-cache';
const sources = '{kernel/{bus,contract,sdk,src},forwarder/{binding,host},plugins/*}/**/*.ts';
const noProgram = /\.test\.ts$|(^|\/)(node_modules|test|testing)\//;

/** @param dir the program folder as the process sees it. */
export function cacheEnvironment(dir: string): Record<string, string> {
  return { NODE_COMPILE_CACHE: join(dir, place), NODE_COMPILE_CACHE_PORTABLE: '1' };
}

/** Brings the cache up to date; quick when it is. Where it cannot be written, children strip for themselves. */
export function fillCache(dir: string, nodeArgs: readonly string[]): void {
  const files = globSync(sources, { cwd: dir })
    .filter((file) => !noProgram.test(file))
    .sort();
  const stamp = join(dir, place, 'stamp');
  const state = fingerprint(dir, files);
  try {
    if (readIfThere(stamp) === state) return;
    mkdirSync(join(dir, place), { recursive: true });
    // Removed, not written over: a copy of the clone may be made of hard links.
    rmSync(stamp, { force: true });
    // All modules are loaded before the first is linked; the name that `node:fs` lacks stops it there, so nothing is run.
    const program = [...files.map((file) => `import './${file}';`), "import { never } from 'node:fs';"].join('\n');
    const env = { PATH: process.env.PATH ?? '', ...cacheEnvironment(dir) };
    spawnSync(process.execPath, [...nodeArgs, '--input-type=module', '--eval', program], { cwd: dir, env, stdio: 'ignore' });
    for (const folder of ['', ...globSync('*-0', { cwd: join(dir, place) })]) chmodSync(join(dir, place, folder), 0o755);
    for (const file of globSync('*-0/*', { cwd: join(dir, place) })) chmodSync(join(dir, place, file), 0o644);
    writeFileSync(stamp, state);
  } catch {
    // A program folder that may not be written to.
  }
}

/** Lets processes of another user read it: Node looks in a folder that ends in the user's id. */
export function shareCache(dir: string, uid: number): void {
  for (const own of existing(join(dir, place)).filter((name) => name.endsWith('-0'))) {
    try {
      symlinkSync(own, join(dir, place, own.replace(/0$/, `${uid}`)));
    } catch {
      // It is there already, or cannot be.
    }
  }
}

function fingerprint(dir: string, files: readonly string[]): string {
  const hash = createHash('sha256').update(process.version);
  for (const file of files) {
    const { mtimeMs, size } = statSync(join(dir, file));
    hash.update(`${file} ${mtimeMs} ${size}\n`);
  }
  return hash.digest('hex');
}

function existing(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
