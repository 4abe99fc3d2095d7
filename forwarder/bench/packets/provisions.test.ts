import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { cleanUp } from './provisions.ts';

/** A run's record and the folder that it made. */
function leave(t: ExecutionContext, run: { readonly pid: number; readonly started: string }) {
  const place = mkdtempSync(join(tmpdir(), 'weft-provisions-'));
  t.teardown(() => rmSync(place, { recursive: true }));
  const [records, folder] = [join(place, 'records'), join(place, 'folder')];
  mkdirSync(records);
  mkdirSync(join(folder, 'sample'), { recursive: true });
  writeFileSync(join(records, `${run.pid}.json`), JSON.stringify({ ...run, folder }));
  return { records, folder, record: join(records, `${run.pid}.json`) };
}

const startedAt = (): string =>
  readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')[19] ?? '';

test('what a dead run left goes, and its record with it', (t) => {
  const { pid } = spawnSync('true');
  const { records, folder, record } = leave(t, { pid, started: '1' });
  cleanUp(records);
  t.false(existsSync(folder));
  t.false(existsSync(record));
});

test('a run that lives keeps what it has', (t) => {
  const { records, folder, record } = leave(t, { pid: process.pid, started: startedAt() });
  cleanUp(records);
  t.true(existsSync(folder));
  t.true(existsSync(record));
});

test('another process with the id of a dead run is not taken for it', (t) => {
  const { records, folder } = leave(t, { pid: process.pid, started: `${startedAt()}0` });
  cleanUp(records);
  t.false(existsSync(folder));
});
