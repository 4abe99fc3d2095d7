import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { LogRotation } from './log-rotation.ts';

const maxBytes = 64 * 1024;

function makeDir(t: ExecutionContext, base = tmpdir()): string {
  const dir = mkdtempSync(join(base, 'weft-rotation-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  return dir;
}

function lines(...files: string[]): string[] {
  return files.flatMap((file) => readFileSync(file, 'utf8').split('\n')).filter((line) => line.trim() !== '');
}

/** The log of a process, its older files first. */
function files(dir: string, name: string): string[] {
  const older = readdirSync(dir).filter((file) => file.startsWith(`${name}.log.`));
  return [...older.sort((a, b) => Number(b.split('.')[2]) - Number(a.split('.')[2])), `${name}.log`].map((file) => join(dir, file));
}

/** A process that writes numbered lines to a descriptor that it inherited, as many as it is asked for, and tells when they are written. */
function startWriter(t: ExecutionContext, file: string): ChildProcess {
  const program = `let n = 0; const fs = require('fs');
    process.on('message', (count) => {
      for (const end = n + count; n < end; n++) fs.writeSync(1, JSON.stringify({ n, pad: 'x'.repeat(60) }) + '\\n');
      process.send('written');
    });`;
  const log = openSync(file, 'a');
  const writer = spawn(process.execPath, ['-e', program], { stdio: ['ignore', log, log, 'ipc'] });
  closeSync(log);
  t.teardown(() => writer.kill());
  return writer;
}

/** Whether the file system of a folder can take the head out of a file. */
function canCollapse(dir: string): boolean {
  const file = join(dir, 'probe');
  writeFileSync(file, Buffer.alloc(64 * 1024));
  const { status } = spawnSync('fallocate', ['--collapse-range', '--offset', '0', '--length', '32768', file]);
  rmSync(file);
  return status === 0;
}

for (const [where, base] of [
  ['a disk', tmpdir()],
  ['a file system that cannot collapse', '/dev/shm'],
] as const)
  test(`lines of a process that writes all the time go to older files, on ${where}`, async (t) => {
    const dir = makeDir(t, base);
    const collapses = canCollapse(dir);
    const rotation = new LogRotation({ dir, maxBytes, files: 100, say: (line) => t.fail(line) });
    const writer = startWriter(t, join(dir, 'busy.log'));
    for (let round = 0; round < 10; round++) {
      let writing = true;
      const written = once(writer, 'message').finally(() => {
        writing = false;
      });
      writer.send(2_000);
      while (writing) await rotation.check();
      await written;
      await rotation.check();
    }
    const all = files(dir, 'busy');
    t.true(all.length > 10, `${all.length} files`);
    t.true(all.slice(0, -1).every((file) => statSync(file).size > 0));
    // Where nothing better can be done, all that was written so far is moved at once, and what is written meanwhile is lost, a part of a line, too.
    if (collapses) t.true(all.every((file) => statSync(file).size <= 2 * maxBytes));
    const whole = lines(...all).filter((line) => collapses || line.endsWith('}'));
    const numbers = whole.map((line) => (JSON.parse(line) as { n: number }).n);
    t.true(collapses ? numbers.length === 20_000 : numbers.length > 5_000, `${numbers.length} lines`);
    t.deepEqual(
      numbers,
      [...new Set(numbers)].sort((a, b) => a - b),
    );
  });

test('a log of several times the size is no reason to push out older files where it goes as a whole', async (t) => {
  const dir = makeDir(t, '/dev/shm');
  const rotation = new LogRotation({ dir, maxBytes, files: 4, say: (line) => t.fail(line) });
  for (const name of ['first', 'second', 'third']) {
    appendFileSync(join(dir, 'a.log'), `${name} ${'x'.repeat(92)}\n`.repeat(2_000));
    await rotation.check();
  }
  t.deepEqual(
    files(dir, 'a').map((file) => lines(file)[0]?.split(' ')[0]),
    ['first', 'second', 'third', undefined],
  );
});

test('a log that cannot be cut is told of once, and keeps no other from being cut', async (t) => {
  const dir = makeDir(t);
  const said: string[] = [];
  const rotation = new LogRotation({ dir, maxBytes, files: 3, say: (line) => said.push(line) });
  mkdirSync(join(dir, 'a.log'));
  writeFileSync(join(dir, 'b.log'), `${'x'.repeat(99)}\n`.repeat(700));
  for (let round = 0; round < 2; round++) await rotation.check();
  t.regex(said.join('\n'), /^.*a\.log could not be cut and grows on: .*$/);
  t.true(existsSync(join(dir, 'b.log.1')));
});

test('as many files as wanted are kept, with the rights of the log', async (t) => {
  const dir = makeDir(t);
  const path = join(dir, 'audit.log');
  writeFileSync(path, '', { mode: 0o640 });
  const rotation = new LogRotation({ dir, maxBytes, files: 3, say: (line) => t.fail(line) });
  for (let round = 0; round < 5; round++) {
    appendFileSync(path, `round ${round} ${'x'.repeat(100)}\n`.repeat(700));
    await rotation.check();
  }
  t.deepEqual(readdirSync(dir).sort(), ['audit.log', 'audit.log.1', 'audit.log.2']);
  t.is(statSync(`${path}.1`).mode & 0o777, 0o640);
  t.regex(lines(`${path}.1`)[0] ?? '', /^round [34]/);
});

test('what is written faster than it can be kept is dropped, and that is said', async (t) => {
  const dir = makeDir(t);
  const said: string[] = [];
  const rotation = new LogRotation({ dir, maxBytes, files: 2, say: (line) => said.push(line) });
  writeFileSync(join(dir, 'flood.log'), `${'x'.repeat(99)}\n`.repeat(100_000));
  await rotation.check();
  t.regex(said[0] ?? '', /flood\.log: 9 MiB were written within moments and are not kept/);
  t.true(files(dir, 'flood').every((file) => statSync(file).size <= 2 * maxBytes));
});

test('a copy that a dead launcher left is not lost', async (t) => {
  const dir = makeDir(t);
  writeFileSync(join(dir, 'a.log'), 'new\n');
  writeFileSync(join(dir, 'a.log.new'), 'old\n');
  await new LogRotation({ dir, maxBytes, files: 2, say: (line) => t.fail(line) }).check();
  t.deepEqual(readdirSync(dir).sort(), ['a.log', 'a.log.1']);
  t.deepEqual(lines(...files(dir, 'a')), ['old', 'new']);
});
