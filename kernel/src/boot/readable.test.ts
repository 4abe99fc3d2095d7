import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { assertReadable } from './readable.ts';

/** A clone that everybody may read, below a folder that nobody else may enter. */
function clone(t: ExecutionContext): string {
  const dir = join(mkdtempSync(join(tmpdir(), 'weft-clone-')), 'weft');
  t.teardown(() => rmSync(join(dir, '..'), { recursive: true }));
  for (const folder of ['kernel/src', 'plugins/dns', 'node_modules/yaml', '.git']) {
    mkdirSync(join(dir, folder), { recursive: true });
    writeFileSync(join(dir, folder, '../package.json'), '{}');
  }
  for (const path of ['', 'kernel', 'kernel/src', 'plugins', 'plugins/dns', 'node_modules', 'node_modules/yaml'])
    chmodSync(join(dir, path), 0o755);
  for (const path of ['kernel', 'plugins', 'node_modules']) chmodSync(join(dir, path, 'package.json'), 0o644);
  chmodSync(join(dir, '.git'), 0o700);
  symlinkSync('nowhere', join(dir, 'node_modules/dangling'));
  return dir;
}

test('a clone that everybody may read is fine, wherever it lies', (t) => {
  const dir = clone(t);
  t.notThrows(() => assertReadable(dir, [join(dir, 'plugins')]));
});

test('a plugin folder of the settings that does not exist is named', (t) => {
  const dir = clone(t);
  t.throws(() => assertReadable(dir, [join(dir, 'missing')]), { message: /missing of the settings does not exist/ });
});

for (const [path, mode] of [
  ['', 0o700],
  ['kernel', 0o700],
  ['kernel/package.json', 0o600],
  ['node_modules/yaml', 0o754],
] as const)
  test(`${path || 'the folder itself'} with mode ${mode.toString(8)} is named, with the command that helps`, (t) => {
    const dir = clone(t);
    chmodSync(join(dir, path), mode);
    const { message } = t.throws(() => assertReadable(dir)) ?? {};
    t.regex(message ?? '', new RegExp(`may not read ${join(dir, path)}$`));
    t.like(
      t.throws(() => assertReadable(dir)),
      { error: { code: 'FORBIDDEN', fix: `chmod -R o+rX '${dir}'` } },
    );
  });

test('plugin folders elsewhere are looked at, too', (t) => {
  const dir = clone(t);
  const elsewhere = join(dir, '.git');
  t.like(
    t.throws(() => assertReadable(dir, [elsewhere])),
    { error: { fix: `chmod -R o+rX '${elsewhere}'` } },
  );
});
