import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { LogRotation } from '../boot/log-rotation.ts';
import { followLog, readLog } from './log-file.ts';

function makeLog(
  t: ExecutionContext,
  base: string,
): { path: string; rotation: LogRotation; append: (from: number, count: number) => void } {
  const dir = mkdtempSync(join(base, 'weft-log-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const path = join(dir, 'a.log');
  writeFileSync(path, '');
  const rotation = new LogRotation({ dir, maxBytes: 64 * 1024, files: 9, say: (line) => t.fail(line) });
  const append = (from: number, count: number): void =>
    appendFileSync(path, Array.from({ length: count }, (_, index) => `{"n":${from + index},"pad":"${'x'.repeat(60)}"}\n`).join(''));
  return { path, rotation, append };
}

function numbers(text: string): number[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { n: number }).n);
}

for (const [where, base] of [
  ['a disk', tmpdir()],
  ['a file system that cannot collapse', '/dev/shm'],
] as const) {
  test(`who follows a log sees each line once while its head is moved away, on ${where}`, async (t) => {
    const { path, rotation, append } = makeLog(t, base);
    append(0, 10);
    const stop = new AbortController();
    let seen = '';
    const following = (async () => {
      for await (const text of followLog(path, 10, stop.signal)) seen += text;
    })();
    const caughtUp = async (count: number): Promise<void> => {
      for (let tries = 0; tries < 1_000 && numbers(seen).length < count; tries++) await sleep(20);
    };
    await caughtUp(10);
    const total = 10 + 4 * 1_000;
    for (let from = 10; from < total; from += 1_000) {
      append(from, 1_000);
      // Before the reader has got that far, the first time; after it, later.
      if (from > 10) await caughtUp(from + 1_000);
      await rotation.check();
    }
    await caughtUp(total);
    stop.abort();
    await following;
    t.deepEqual(
      numbers(seen),
      Array.from({ length: total }, (_, n) => n),
    );
  });

  test(`the last lines are read from the older file, too, on ${where}`, async (t) => {
    const { path, rotation, append } = makeLog(t, base);
    append(0, 900);
    await rotation.check();
    append(900, 5);
    const read = numbers(await readLog(path, 300));
    t.deepEqual(
      read,
      Array.from({ length: 300 }, (_, index) => 605 + index),
    );
  });
}
