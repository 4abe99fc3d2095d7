import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { BlockLog, type LogBounds } from './block-log.ts';
import type { Entry } from './entry.ts';
import { happenedSince, holderAt } from './search.ts';
import { segmentPath, segmentsIn } from './segments.ts';

const dayMs = 86_400_000;
const begin = Date.parse('2026-01-02T10:00:00Z');
const at = (seconds: number): string => new Date(begin + seconds * 1_000).toISOString();

function folderOf(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'weft-blocks-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function logIn(t: ExecutionContext, folder: string, bounds: Partial<LogBounds> = {}, now: () => number = () => begin): BlockLog {
  const log = new BlockLog(folder, { logDays: 30, logMib: 16, ...bounds }, now);
  t.teardown(() => log.close());
  return log;
}

/** Port `name` gets ports first to first + 511 of 192.0.2.8, or gives them back. */
function entry(event: Entry['event'], seconds: number, sequence: number, name = 'vm1', first = 1024): Entry {
  const block = { project: 'default', port: name, id: 11, address: '192.0.2.8', first, last: first + 511 };
  return { time: at(seconds), event, ...block, sequence };
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const text = (folder: string): string =>
  segmentsIn(folder)
    .map(({ path }) => readFileSync(path, 'utf8'))
    .join('');

test('an event is one line, and nothing tells of connections', (t) => {
  const folder = folderOf(t);
  logIn(t, folder).append([entry('assigned', 0, 5)]);
  const [begun, assigned] = text(folder).trimEnd().split('\n');
  t.is(begun, `{"time":"${at(0)}","event":"begun","sequence":0,"sequenceTime":"1970-01-01T00:00:00.000Z"}`);
  t.is(
    assigned,
    `{"time":"${at(0)}","event":"assigned","project":"default","port":"vm1","id":11,"address":"192.0.2.8","first":1024,"last":1535,"sequence":5}`,
  );
});

test('after a crash it stands where its last whole line says', (t) => {
  const folder = folderOf(t);
  logIn(t, folder).append([entry('assigned', 0, 5), entry('assigned', 1, 6, 'vm2', 2048)]);
  const [segment] = segmentsIn(folder);
  appendFileSync(segment?.path ?? '', '{"time":"2026-01-02T10:00:02.000Z","event":"rele');
  const log = logIn(t, folder);
  t.deepEqual(log.position, { sequence: 6, timeMs: begin + 1_000 });
  t.deepEqual(
    [...log.open.values()].map(({ port }) => port),
    ['vm1', 'vm2'],
  );
  log.append([entry('released', 3, 7)]);
  t.false(text(folder).includes('rele{'));
  t.is(text(folder).trimEnd().split('\n').length, 4);
});

test('each day has a file of its own, which says what was held when it began', (t) => {
  const folder = folderOf(t);
  const log = logIn(t, folder);
  log.append([entry('assigned', 0, 5), entry('assigned', 1, 6, 'vm2', 2048)]);
  log.append([entry('released', 24 * 3600, 7, 'vm2', 2048)]);
  t.is(segmentsIn(folder).length, 2);
  const lines = readFileSync(segmentsIn(folder)[1]?.path ?? '', 'utf8')
    .trimEnd()
    .split('\n');
  t.deepEqual(
    lines.map((line) => (JSON.parse(line) as Entry).event),
    ['begun', 'held', 'held', 'released'],
  );
  t.like(JSON.parse(lines[1] ?? ''), { port: 'vm1', since: at(0) });
  t.deepEqual(logIn(t, folder).position, { sequence: 7, timeMs: begin + dayMs });
});

test('what is too old goes, and what is held stays known', async (t) => {
  const folder = folderOf(t);
  const clock = { ms: begin };
  const log = logIn(t, folder, { logDays: 2 }, () => clock.ms);
  for (let day = 0; day < 6; day += 1) {
    clock.ms = begin + day * dayMs;
    log.append([entry('assigned', day * 86_400, day + 1, `vm${day}`, 1024 * (day + 1))]);
  }
  t.is(segmentsIn(folder).length, 3);
  const holder = await holderAt(folder, { address: '192.0.2.8', l4Port: 1030 }, clock.ms);
  t.like(holder, { port: 'vm0', since: at(0), lost: 0 });
});

test('its size is bounded', (t) => {
  const folder = folderOf(t);
  const log = logIn(t, folder, { logMib: 1 });
  for (let turn = 0; turn < 100; turn += 1)
    log.append(Array.from({ length: 100 }, (_, index) => entry(index % 2 === 0 ? 'assigned' : 'released', turn, turn * 100 + index + 1)));
  const bytes = segmentsIn(folder).reduce((sum, { path }) => sum + statSync(path).size, 0);
  t.true(bytes <= 1.2 * 1_048_576, `${bytes} bytes`);
  t.true(bytes > 0.8 * 1_048_576, `${bytes} bytes`);
  t.true(readdirSync(folder).every((name) => name.endsWith('.jsonl')));
  t.is(logIn(t, folder).position.sequence, 10_000);
});

test('a write that fails is as if it had not been tried', (t) => {
  const folder = folderOf(t);
  const log = logIn(t, folder);
  log.append([entry('assigned', 0, 5)]);
  log.close();
  log.append([entry('released', 1, 6)]);
  t.is(log.position.sequence, 5);
  t.is(log.open.size, 1);
  rmSync(folder, { recursive: true });
  const gone = new BlockLog(folder, { logDays: 1, logMib: 1 });
  t.teardown(() => gone.close());
  rmSync(folder, { recursive: true });
  t.throws(() => gone.append([entry('assigned', 0, 1)]), { code: 'ENOENT' });
  t.is(gone.position.sequence, 0);
});

test('a disk that takes a part of what is written takes nothing of it', (t) => {
  const folder = folderOf(t);
  logIn(t, folder).append([entry('assigned', 0, 1)]);
  const before = text(folder);
  const entries = Array.from({ length: 100 }, (_, index) => entry('released', 1, index + 2));
  const program = `
    const { BlockLog } = await import(${JSON.stringify(new URL('block-log.ts', import.meta.url).href)});
    const log = new BlockLog(${JSON.stringify(folder)}, { logDays: 30, logMib: 16 });
    try { log.append(${JSON.stringify(entries)}); } catch ({ code }) { console.log(code, log.position.sequence); }`;
  // Files of this process end at 8 KiB: the kernel writes what fits, as with a disk that is full.
  const out = execFileSync('bash', ['-c', 'ulimit -f 8; exec "$@" | cat', '-', process.execPath, '--input-type=module', '-e', program]);
  t.is(out.toString(), 'EFBIG 1\n');
  t.is(text(folder), before);
});

test('a file that cannot be begun leaves the log as it was, to be tried again', (t) => {
  const folder = folderOf(t);
  const log = logIn(t, folder);
  log.append([entry('assigned', 0, 1)]);
  // The next file cannot have its name.
  const next = segmentPath(folder, begin + dayMs);
  mkdirSync(join(next, 'full'), { recursive: true });
  for (let turn = 0; turn < 2; turn += 1) t.throws(() => log.append([entry('released', 24 * 3600, 2)]));
  t.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith('.new')),
    [],
  );
  rmSync(next, { recursive: true });
  log.append([entry('released', 24 * 3600, 2)]);
  t.is(log.position.sequence, 2);
  t.is(log.open.size, 0);
});

test('a file that becomes too old while others are read is left out', async (t) => {
  const folder = folderOf(t);
  const log = logIn(t, folder);
  for (let day = 0; day < 3; day += 1) log.append([entry('assigned', day * 86_400, day + 1, `vm${day}`, 1024 * (day + 1))]);
  const found: unknown[] = [];
  for await (const { port } of happenedSince(folder, begin)) {
    if (found.length === 0) rmSync(segmentsIn(folder)[1]?.path ?? '');
    found.push(port);
  }
  t.deepEqual(found, ['vm0', 'vm2']);
});

test('who had an outside port at a time, from when to when', async (t) => {
  const folder = folderOf(t);
  const log = logIn(t, folder);
  log.append([entry('assigned', 10, 1)]);
  log.append([entry('released', 20, 2)]);
  log.append([entry('assigned', 200, 3, 'vm2')]);
  log.append([entry('assigned', 24 * 3600, 4, 'vm3', 2048)]);
  log.append([entry('released', 24 * 3600 + 5, 5, 'vm2')]);
  const who = async (seconds: number, l4Port = 1100, address = '192.0.2.8') => {
    const holder = await holderAt(folder, { address, l4Port }, begin + seconds * 1_000);
    return holder && `${holder.port} ${holder.since} ${holder.until ?? 'now'}`;
  };
  t.is(await who(15), `vm1 ${at(10)} ${at(20)}`);
  t.is(await who(9), undefined);
  t.is(await who(100), undefined);
  t.is(await who(300), `vm2 ${at(200)} ${at(24 * 3600 + 5)}`);
  t.is(await who(24 * 3600 + 2), `vm2 ${at(200)} ${at(24 * 3600 + 5)}`);
  t.is(await who(24 * 3600 + 6), undefined);
  t.is(await who(24 * 3600 + 6, 2559), `vm3 ${at(24 * 3600)} now`);
  t.is(await who(300, 1536), undefined);
  t.is(await who(300, 1100, '192.0.2.9'), undefined);
});

test('an answer over a gap says how much is missing; a forwarder that began anew ends all blocks', async (t) => {
  const folder = folderOf(t);
  const log = logIn(t, folder);
  log.append([entry('assigned', 10, 1), { time: at(20), event: 'lost', count: 3 }, entry('assigned', 21, 5, 'vm2', 2048)]);
  log.append([{ time: at(30), event: 'restarted', sequence: 0 }]);
  const wanted = { address: '192.0.2.8', l4Port: 1030 };
  t.like(await holderAt(folder, wanted, begin + 25_000), { port: 'vm1', lost: 3, until: at(30) });
  t.is(await holderAt(folder, wanted, begin + 31_000), undefined);
  t.is(log.open.size, 0);
});

test('what happened since a time, without what files begin with', async (t) => {
  const folder = folderOf(t);
  const log = logIn(t, folder);
  log.append([entry('assigned', 10, 1)]);
  log.append([entry('assigned', 24 * 3600, 2, 'vm2', 2048)]);
  const events = async (seconds: number) =>
    (await collect(happenedSince(folder, begin + seconds * 1_000))).map(({ event, port }) => `${event} ${port}`);
  t.deepEqual(await events(0), ['assigned vm1', 'assigned vm2']);
  t.deepEqual(await events(11), ['assigned vm2']);
  t.deepEqual(await events(24 * 3600 + 1), []);
});
