import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';

const program = new URL('fixtures/disk.ts', import.meta.url).pathname;

interface Outcome {
  /** Acknowledged when the disk was full, and in the end. */
  readonly full: number;
  readonly acknowledged: number;
  readonly readable: number;
  /** After the store was opened again. */
  readonly there: number;
  readonly logged: number;
  readonly refusals: readonly { code: string; message: string; fix?: string }[];
  readonly setting: string;
}

test('a full disk refuses what it cannot take, keeps what was acknowledged, and goes on once there is room', async (t) => {
  const path = mkdtempSync(join(tmpdir(), 'weft-disk-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  const { stdout } = await promisify(execFile)('unshare', ['--mount', '--propagation', 'private', process.execPath, program, path]);
  const { full, readable, acknowledged, there, logged, refusals, setting } = JSON.parse(stdout) as Outcome;
  t.true(full > 10);
  t.is(readable, full, 'reads work on');
  t.is(acknowledged, full + 5);
  t.is(there, acknowledged);
  t.is(logged, acknowledged, 'and nothing that was refused');
  t.is(setting, 'UNAVAILABLE');
  t.deepEqual(
    refusals.map(({ code }) => code),
    ['UNAVAILABLE', 'UNAVAILABLE', 'UNAVAILABLE'],
  );
  t.regex(refusals[0]?.message ?? '', /could not be written to the disk, and nothing has changed: .*\(\d+ KiB are free at the store\)/);
  t.regex(refusals[0]?.fix ?? '', /make room/);
});
