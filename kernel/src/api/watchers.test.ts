import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { toWeftError } from '../../contract/system/index.ts';
import { makeWorld, shelf, type TestWorld } from '../apply/test/world.ts';
import { problemOf } from './problem.ts';
import { makeApi } from './test/api.ts';
import { Watchers } from './watchers.ts';

/** A connection that takes what it is sent, or lets it lie. */
class Connection extends EventEmitter {
  takes = true;
  said = '';
  readonly writes: unknown[] = [];

  writeHead(): void {
    // what is promised does not matter here
  }

  write(part: Buffer | string): boolean {
    this.writes.push(part);
    this.said += part;
    return this.takes;
  }

  end(last = ''): void {
    this.said += last;
    this.emit('close');
  }

  /** Revisions of the events that it was sent. */
  get ids(): number[] {
    return [...this.said.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
  }
}

const admin = { subject: { kind: 'user', name: 'uid-0' }, bindings: [{ role: 'admin', projects: null }] } as const;

function watch(watchers: Watchers, since: number, kinds: string[] | null = null, renew: () => unknown = () => admin): Connection {
  const connection = new Connection();
  const told = { renew, problemOf: (thrown: unknown) => problemOf(toWeftError(thrown)) };
  const request = { id: '', log: { info: () => undefined }, identity: admin, ...told } as unknown as FastifyRequest;
  watchers.add(request, { raw: connection, hijack: () => undefined } as unknown as FastifyReply, {
    kinds: kinds === null ? null : new Set(kinds),
    project: undefined,
    since,
  });
  return connection;
}

async function open(t: ExecutionContext, most = 10): Promise<{ world: TestWorld; watchers: Watchers }> {
  const world = await makeWorld();
  const watchers = new Watchers(world.store, most);
  t.teardown(async () => {
    watchers.close();
    await world.close();
  });
  return { world, watchers };
}

async function until(condition: () => boolean): Promise<void> {
  for (let attempt = 0; !condition() && attempt < 300; attempt += 1) await sleep(10);
}

test('those who may see the same are given the very same bytes', async (t) => {
  const { world, watchers } = await open(t);
  const since = world.store.revision;
  const [a, b, books] = [watch(watchers, since), watch(watchers, since), watch(watchers, since, ['Book'])];
  await world.apply([shelf('a'), shelf('b')]);
  await until(() => a.ids.length === 2 && b.ids.length === 2);
  t.deepEqual([a.ids, b.ids, books.ids], [[since + 1, since + 2], [since + 1, since + 2], []]);
  t.is(a.writes.at(-1), b.writes.at(-1));
});

test('who does not read holds one stretch, and reads on where he was', async (t) => {
  const { world, watchers } = await open(t);
  const since = world.store.revision;
  const slow = watch(watchers, since);
  const quick = watch(watchers, since);
  slow.takes = false;
  const text = 'x'.repeat(10_000);
  for (let round = 0; round < 4; round += 1)
    await world.apply(
      Array.from({ length: 50 }, (_, index) => shelf(`s${round}-${index}`, {}, { labels: { [`k${index}`]: text.slice(0, 63) } })),
    );
  await until(() => quick.ids.length === 200);
  t.is(quick.ids.length, 200);
  t.true(slow.writes.length <= 2, 'the greeting and one stretch');
  const held = slow.ids.length;
  t.true(held < 200);
  slow.takes = true;
  slow.emit('drain');
  await until(() => slow.ids.length === 200);
  t.deepEqual(slow.ids, quick.ids);
});

test('many and long events are given in several stretches, none twice', async (t) => {
  const { world, watchers } = await open(t);
  const since = world.store.revision;
  const projects = Array.from({ length: 900 }, (_, index) => ({
    kind: 'Project',
    metadata: { name: `p${index}` },
    spec: { description: 'x'.repeat(900) },
  }));
  await world.apply(projects);
  const late = watch(watchers, since);
  await until(() => late.ids.length >= 900);
  t.deepEqual(
    late.ids,
    projects.map((_, index) => since + 1 + index),
  );
  t.true(late.writes.length > 3);
  for (const write of late.writes) t.true(String(write).length < 300_000);
});

test('a watch ends with an error once its caller is nobody any more', async (t) => {
  const { world, watchers } = await open(t);
  const gone = watch(watchers, world.store.revision, null, () => {
    throw new Error('the token has ended');
  });
  await world.apply([shelf('a')]);
  await until(() => watchers.count === 0);
  t.regex(gone.said, /event: error\ndata: .*the token has ended/);
  t.deepEqual(gone.ids, []);
});

test('more than the setting allows are refused with the way to more', async (t) => {
  const { world, watchers } = await open(t, 2);
  const first = watch(watchers, world.store.revision);
  watch(watchers, world.store.revision);
  t.throws(() => watch(watchers, world.store.revision), { message: /^2 callers watch already/ });
  first.emit('close');
  t.notThrows(() => watch(watchers, world.store.revision), 'a place is free again');

  const api = await makeApi(t);
  const opened = await Promise.all(
    Array.from({ length: 20 }, () => api.app.inject({ method: 'GET', url: '/v1/watch', payloadAsStream: true })),
  );
  const refused = await api.ask('GET', '/v1/watch');
  t.is(refused.statusCode, 503);
  t.regex(refused.json<{ fix: string }>().fix, /api\.maxWatchers/);
  for (const { raw } of opened) raw.res.destroy();
});
