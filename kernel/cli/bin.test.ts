import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';

const bin = join(import.meta.dirname, 'bin', 'weft');

test('the program is found through a symbolic link, from any folder', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-bin-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  symlinkSync(bin, join(folder, 'weft'));
  const env = { ...process.env, WEFT_API: 'unix:/nowhere/api.sock' };
  const { status, stdout, stderr } = spawnSync(join(folder, 'weft'), ['status'], { cwd: folder, env, encoding: 'utf8' });
  t.deepEqual([status, stdout], [1, '']);
  t.is(stderr, 'error: Weft is not running here (unix:/nowhere/api.sock): start it with: weft up, or name its API in WEFT_API\n');
});

test('missing dependencies are said with what to do', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-bin-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'kernel', 'cli', 'bin'), { recursive: true });
  const copy = join(folder, 'kernel', 'cli', 'bin', 'weft');
  copyFileSync(bin, copy);
  const { status, stderr } = spawnSync(copy, ['status'], { encoding: 'utf8' });
  t.is(status, 1);
  t.regex(stderr, /^error: Weft's dependencies are not installed \(.*node_modules\): run `npm run setup` in .*\n$/);
});

test('a reader that goes away ends the command quietly', (t) => {
  const shell = `"${bin}" --help 2>&1 >/dev/null | head -c 0; "${bin}" --help | head -n 1`;
  t.is(execFileSync('sh', ['-c', shell], { encoding: 'utf8' }), 'Usage: weft [options] [command]\n');
});

test('an interrupt ends a command that waits for input', async (t) => {
  const child = spawn(bin, ['apply', '-f', '-'], { stdio: ['pipe', 'ignore', 'inherit'] });
  const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
  // Node has no handler of its own before the program's first lines ran; either way the command ends.
  setTimeout(() => child.kill('SIGTERM'), 500);
  t.true([130, 'SIGTERM'].includes((await ended) as number | string));
});
