import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { contentBytes } from './folder-size.ts';

function makeDir(t: ExecutionContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'weft-size-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  return dir;
}

test('what lies in a folder and in its folders counts, what it points to does not', async (t) => {
  const dir = makeDir(t);
  mkdirSync(join(dir, 'deep/er'), { recursive: true });
  writeFileSync(join(dir, 'deep/er/file'), Buffer.alloc(100_000, 1));
  symlinkSync('/usr', join(dir, 'usr'));
  const bytes = await contentBytes(dir, 1_000_000);
  t.true(bytes >= 100_000 && bytes < 150_000, `${bytes}`);
});

test('many empty files are something, too, and counting stops when it is enough', async (t) => {
  const dir = makeDir(t);
  for (let file = 0; file < 100; file++) writeFileSync(join(dir, `${file}`), '');
  t.is(await contentBytes(dir, 1_000_000), 100 * 4096);
  t.is(await contentBytes(dir, 10_000), 3 * 4096);
});

test('a folder that is not there holds nothing, one that cannot be looked at all too much', async (t) => {
  const dir = makeDir(t);
  t.is(await contentBytes(join(dir, 'missing'), 1), 0);
  writeFileSync(join(dir, 'file'), '');
  t.is(await contentBytes(join(dir, 'file'), 1), Number.POSITIVE_INFINITY);
});
