/** A state directory whose disk is full: reads and traffic go on, writes are refused in plain words, nothing has to be started again. */
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { Appliance, run } from '../run/appliance.ts';

test('the kernel outlives a full disk and writes again once there is room', async (t) => {
  const stateDir = mkdtempSync(join(tmpdir(), 'weft-full-'));
  await run('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', stateDir]);
  const appliance = new Appliance({ stateDir });
  t.teardown(async () => {
    await appliance.stop(false);
    await run('umount', ['--lazy', stateDir]);
    rmSync(stateDir, { recursive: true });
  });
  await appliance.start();
  const project = (name: string) => ({ kind: 'Project', metadata: { name }, spec: { description: 'x'.repeat(1_000) } });
  await appliance.apply([project('before')]);
  const pids = await appliance.processes();

  const { bavail, bsize } = statfsSync(stateDir);
  const ballast = join(stateDir, 'ballast');
  writeFileSync(ballast, Buffer.alloc(bavail * bsize));
  t.is(statfsSync(stateDir).bavail, 0);
  const acknowledged: string[] = [];
  let refused = '';
  // what the store has free of its own is used up first
  for (let index = 0; refused === '' && index < 300; index += 1) {
    const { code, stderr } = await appliance.weft(['apply', '-f', '-'], { input: JSON.stringify(project(`full-${index}`)) });
    if (code === 0) acknowledged.push(`full-${index}`);
    else refused = stderr;
  }
  t.regex(refused, /could not be written to the disk, and nothing has changed.*make room on the file system of the state directory/);
  const names = async (): Promise<string[]> => (await appliance.must(['get', 'projects', '-o', 'name'])).trim().split('\n').sort();
  const expected = ['default', 'before', ...acknowledged].sort();
  t.deepEqual(await names(), expected, 'reads go on');

  rmSync(ballast);
  await appliance.apply([project('after')]);
  t.deepEqual(await names(), [...expected, 'after'].sort());
  t.deepEqual(await appliance.processes(), pids, 'nothing had to be started again');
});
