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
  t.notThrows(() => assertRoom(65_536, 0, dir));
  t.throws(() => assertRoom(65_537, 0, dir), {
    message: `65537 flows and 0 shared addresses may take 17 MiB in ${dir}, where 16 MiB are free`,
  });
  t.throws(() => assertRoom(64, 3, dir), { message: `64 flows and 3 shared addresses may take 19 MiB in ${dir}, where 16 MiB are free` });
});
