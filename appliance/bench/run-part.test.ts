import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { Part } from './parts.ts';
import { type PartRun, runPart } from './run-part.ts';
import { measurements } from './test/figures.ts';

const folder = mkdtempSync(join(tmpdir(), 'weft-bench-test-'));
test.after.always(() => rmSync(folder, { recursive: true }));

/** Runs `sh -c script`; $1 is `--json`, $2 the file. */
function run(name: string, script: string, limitSeconds = 10): Promise<PartRun & { progress: string[] }> {
  const progress: string[] = [];
  const part: Part = { name, about: '', targets: [], command: ['sh', '-c', script, 'part'], seconds: { full: 1, quick: 1 } };
  const onProgress = (line: string) => progress.push(line);
  return runPart(part, { top: folder, folder, args: [], limitSeconds, onProgress }).then((done) => ({ ...done, progress }));
}

const figures = `echo '${JSON.stringify(measurements)}' >"$2"`;

test('figures and progress of a part that did all', async (t) => {
  const done = await run('good', `echo round 1 >&2; ${figures}`);
  t.is(done.outcome.problem, undefined);
  t.deepEqual(done.measurements, measurements);
  t.deepEqual(done.progress, ['round 1']);
});

test('what a failing part measured is kept, and why it failed is told', async (t) => {
  const done = await run('partly', `${figures}; echo 'FAILED l2: ovs: it would not start' >&2; echo table; exit 1`);
  t.is(done.outcome.problem, 'It ended with exit code 1: FAILED l2: ovs: it would not start');
  t.is(done.measurements.length, measurements.length);
});

test('a part that writes nothing, or no figures, has failed', async (t) => {
  t.is((await run('silent', 'true')).outcome.problem, 'It wrote no figures.');
  t.regex((await run('broken', 'echo "[1]" >"$2"')).outcome.problem ?? '', /measurement 0 is no object/);
  t.regex((await run('half', 'printf "[{" >"$2"')).outcome.problem ?? '', /cannot read .*half\.json/);
});

test('a part that hangs is ended, with what it started', async (t) => {
  const done = await run('hanging', 'sleep 60 & wait', 0.2);
  t.is(done.outcome.problem, 'It was ended after 0 s.');
  t.true(done.outcome.seconds < 5);
});
