import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { assertRoom } from './state-memory.ts';

test('flows that do not fit are refused with what is there and what to do', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'weft-room-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'weft-room', dir]);
  t.teardown(() => {
    execFileSync('umount', [dir]);
    rmSync(dir, { recursive: true });
  });
  t.notThrows(() => assertRoom(65_536, dir));
  t.throws(() => assertRoom(65_537, dir), { message: `65537 flows may take 17 MiB in ${dir}, where 16 MiB are free` });
});
