import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'ava';

const top = join(import.meta.dirname, '../../..');

test('100,000 mutated requests: every answer is as described, none an internal error, no crash, and no memory that stays', (t) => {
  const args = ['--expose-gc', 'kernel/test/fuzz/main.ts', '--requests', '100000'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: top, encoding: 'utf8', maxBuffer: 2 ** 28 });
  t.log(stdout.trim());
  t.is(status, 0, stderr.slice(-8_000));
});
