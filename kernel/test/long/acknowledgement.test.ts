/** The kernel under strace: no write is acknowledged before its transaction is on the disk, and none that the disk refuses. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { WeftObject } from '../../contract/system/index.ts';
import { House, pause } from '../robustness/house.ts';
import { Http } from '../robustness/http.ts';

const calls = 'openat,fdatasync,fsync,msync,write,writev,sendmsg,sendto,pwrite64,pwritev';
/** Microseconds: an answer that does not wait for the disk is seen at once. */
const slowDisk = 'inject=fdatasync:delay_enter=10000';
const clients = 4;
const each = 25;

interface Call {
  readonly name: string;
  readonly descriptor: string;
  readonly text: string;
  readonly begun: number;
  readonly ended: number;
}

/** Calls of a trace, each with the lines in which it began and ended: other threads' calls may lie between. */
function parse(trace: string): Call[] {
  const open = new Map<string, Call>();
  const done: Call[] = [];
  for (const [line, text] of trace.split('\n').entries()) {
    const [, thread = '', rest = ''] = /^(\d+) +(.*)$/.exec(text) ?? [];
    const begin = /^(\w+)\((\d+)?/.exec(rest);
    const resumed = /^<\.\.\. \w+ resumed>/.test(rest);
    const call = resumed
      ? open.get(thread)
      : begin && { name: begin[1] ?? '', descriptor: begin[2] ?? '', text: rest, begun: line, ended: line };
    if (!call) continue;
    if (rest.endsWith('<unfinished ...>')) open.set(thread, call);
    else done.push({ ...call, text: resumed ? call.text + rest : call.text, ended: line });
  }
  return done.sort((a, b) => a.begun - b.begun);
}

/** Descriptors of the store's file: the plain one, and that which writes through (O_DSYNC). */
function descriptorsOf(trace: readonly Call[]): { plain: Set<string>; through: Set<string> } {
  const opened = trace.filter(({ name, text }) => name === 'openat' && text.includes('/store/data.mdb"'));
  const of = (wanted: boolean): Set<string> =>
    new Set(opened.filter(({ text }) => /O_D?SYNC/.test(text) === wanted).map(({ text }) => / = (\d+)$/.exec(text)?.[1] ?? ''));
  return { plain: of(false), through: of(true) };
}

async function write(http: Http, name: string): Promise<number> {
  const answer = await http.ask({ method: 'POST', path: '/v1/projects', body: { metadata: { name }, spec: {} } });
  return answer.is === 'answered' && answer.status === 201 ? (answer.body as WeftObject).metadata.revision : 0;
}

test('each answer leaves after the fdatasync, and the write-through of the meta page, of its transaction', async (t) => {
  t.timeout(120_000);
  const file = join('/tmp', `weft-strace-${process.pid}.txt`);
  const house = new House({
    withPlugins: false,
    wrapper: () => ['strace', '-f', '-qq', '-s', '400', '-e', `trace=${calls}`, '-e', slowDisk, '-o', file],
  });
  t.teardown(() => house.close());
  await house.open();
  const team = Array.from({ length: clients }, () => new Http(house.apiSocket));
  const work = async (http: Http, index: number): Promise<void> => {
    for (let at = 0; at < each; at += 1) await write(http, `n-${index}-${at}`);
  };
  await Promise.all(team.map(work));
  for (const http of team) http.close();
  await house.close();
  const trace = parse(readFileSync(file, 'utf8'));
  const { plain, through } = descriptorsOf(trace);
  t.true(plain.size > 0 && through.size > 0, 'the store has a descriptor that writes through');
  const answers = trace.filter(({ name, text }) => /^(write|writev|sendmsg|sendto)$/.test(name) && text.includes('HTTP/1.1 201'));
  t.is(answers.length, clients * each);
  const syncs = trace.filter(
    ({ name, descriptor, text }) => name === 'fdatasync' && plain.has(descriptor) && / = 0( \(DELAYED\))?$/.test(text),
  );
  const metas = trace.filter(({ name, descriptor }) => name.startsWith('pwrite') && through.has(descriptor));
  // revisions are acknowledged in order, and each has a transaction, with a sync, of its own
  const inOrder = answers.toSorted((a, b) => revisionIn(a) - revisionIn(b));
  let last = -1;
  for (const answer of inOrder) {
    const sync = syncs.find(({ begun }) => begun > last);
    const meta = metas.find(({ begun }) => sync !== undefined && begun > sync.ended);
    t.true(sync !== undefined && meta !== undefined, `revision ${revisionIn(answer)} has a sync of its own`);
    if (sync === undefined || meta === undefined) break;
    t.true(
      sync.ended < answer.begun && meta.ended < answer.begun,
      `revision ${revisionIn(answer)} left in line ${answer.begun}, its sync ended in ${meta.ended}`,
    );
    last = meta.ended;
  }
});

function revisionIn({ text }: Call): number {
  return Number(/etag: \\"(\d+)\\"/.exec(text)?.[1] ?? 0);
}

test('a write that the disk does not confirm is not acknowledged; the kernel starts anew and has every revision once', async (t) => {
  t.timeout(120_000);
  let traced = true;
  const file = join('/tmp', `weft-strace-${process.pid}-error.txt`);
  // counted in each thread: the first of them belong to the start
  const wrapper = ['strace', '-f', '-qq', '-e', 'trace=fdatasync', '-e', 'inject=fdatasync:error=EIO:when=6+', '-o', file];
  const house = new House({ withPlugins: false, wrapper: () => (traced ? wrapper : []) });
  t.teardown(() => house.close());
  await house.open();
  traced = false;
  const http = new Http(house.apiSocket);
  const told = new Map<string, number>();
  for (let at = 0; at < 200 && house.ends.length === 0; at += 1) {
    const revision = await write(http, `n${at}`);
    if (revision > 0) told.set(`n${at}`, revision);
    await pause(1);
  }
  t.true(existsSync(file) && readFileSync(file, 'utf8').includes('EIO'), 'the disk has failed');
  t.deepEqual(house.ends, ['SIGKILL'], 'the kernel has ended itself');
  await house.up();
  await write(http, 'after');
  const { items } = await http.must<{ items: WeftObject[] }>({ method: 'GET', path: '/v1/projects' });
  const found = new Map(items.map(({ metadata }) => [metadata.name, metadata.revision]));
  for (const [name, revision] of told) t.is(found.get(name), revision, name);
  const history = await http.must<{ items: { revision: number; key: { name: string } }[] }>({
    method: 'GET',
    path: '/v1/history?limit=1000',
  });
  t.deepEqual(new Map(history.items.map(({ revision, key }) => [key.name, revision] as const).toSorted()), new Map([...found].toSorted()));
  http.close();
});
