import { spawnSync } from 'node:child_process';
import { chmodSync, closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { cacheEnvironment, fillCache, shareCache } from './program-cache.ts';

const someone = 64_999;
const place = 'node_modules/.weft-cache';
const stamp = join(place, 'stamp');

/** A program of two modules that leaves a file behind when it runs. */
function program(t: ExecutionContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'weft-cache-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  chmodSync(dir, 0o755);
  for (const folder of ['kernel/src', 'node_modules']) mkdirSync(join(dir, folder), { recursive: true });
  writeFileSync(join(dir, 'package.json'), '{"type": "module"}');
  writeFileSync(join(dir, 'kernel/src/words.ts'), 'export const word: string = "hello";\n');
  writeFileSync(
    join(dir, 'kernel/src/main.ts'),
    `import { writeFileSync } from 'node:fs';\nimport { word } from './words.ts';\nwriteFileSync(${JSON.stringify(join(dir, 'ran'))}, word);\n`,
  );
  return dir;
}

test('fills the cache without running the program', (t) => {
  const dir = program(t);
  fillCache(dir, []);
  t.false(existsSync(join(dir, 'ran')));
  t.true(readdirSync(join(dir, place)).some((name) => name.endsWith('-0')));
});

test('another user reads what root has stripped, and cannot add to it', (t) => {
  const dir = program(t);
  const usual = process.umask(0o077);
  fillCache(dir, []);
  process.umask(usual);
  shareCache(dir, someone);
  // By descriptor: this tree, and Node in it, may lie below a folder that others cannot enter.
  const node = openSync(process.execPath, 'r');
  const { status, stdout, stderr } = spawnSync(
    '/proc/self/fd/3',
    ['--input-type=module', '--eval', `const { word } = await import('${dir}/kernel/src/words.ts'); console.log(word);`],
    {
      cwd: dir,
      uid: someone,
      env: { ...cacheEnvironment(dir), NODE_DEBUG_NATIVE: 'COMPILE_CACHE' },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe', node],
    },
  );
  closeSync(node);
  t.is(status, 0, stderr);
  t.regex(stdout + stderr, /hello/);
  t.regex(stdout + stderr, /StrippedTypeScript.*words\.ts.* success/);
  t.deepEqual(
    readdirSync(join(dir, place)).filter((name) => !/-0$|-64999$|^stamp$/.test(name)),
    [],
  );
});

test('is done anew when the program has changed, and only then', (t) => {
  const dir = program(t);
  fillCache(dir, []);
  const { mtimeMs } = statSync(join(dir, stamp));
  fillCache(dir, []);
  t.is(statSync(join(dir, stamp)).mtimeMs, mtimeMs);
  writeFileSync(join(dir, 'kernel/src/words.ts'), 'export const word: string = "good morning";\n');
  fillCache(dir, []);
  t.true(statSync(join(dir, stamp)).mtimeMs > mtimeMs);
});
