import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';

const tool = join(import.meta.dirname, 'gen-manifests.ts');
const run = (...args: string[]) => spawnSync(process.execPath, [tool, ...args], { encoding: 'utf8' });

test('writes missing and stale manifests; --check names them and fails', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'weft-gen-'));
  const folder = join(dir, 'greeter');
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{"version":"1.2.3","type":"module"}');
  writeFileSync(
    join(folder, 'index.ts'),
    `export default { name: 'greeter', summary: 'greets', config: { type: 'object' }, start: () => ({}) };\n`,
  );
  const file = join(folder, 'manifest.json');

  const missing = run('--check', dir);
  t.is(missing.status, 1);
  t.is(missing.stdout, `stale ${file}\n`);
  t.regex(missing.stderr, /^error: 1 manifests? differs? from .*npm run gen/);

  t.is(run(dir).stdout, `wrote ${file}\n`);
  t.like(JSON.parse(readFileSync(file, 'utf8')), { name: 'greeter', version: '1.2.3', needs: [], grants: { rows: [] } });
  t.is(run('--check', dir).status, 0);

  writeFileSync(file, readFileSync(file, 'utf8').replace('greets', 'shouts'));
  t.is(run('--check', dir).status, 1);
  rmSync(dir, { recursive: true });
});
