import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NatBlock, NatEvent } from '@weft/kernel/contract/net';
import test, { type ExecutionContext } from 'ava';
import { event } from '../test/world.ts';
import { BlockLog } from './block-log.ts';
import type { Entry } from './entry.ts';
import { happenedSince } from './search.ts';
import { BlockWatch } from './watch.ts';

function standing(events: readonly NatEvent[]): readonly NatBlock[] {
  const blocks = new Map<number, NatBlock>();
  for (const each of events)
    if (each.event === 'assigned') blocks.set(each.first, each);
    else if (each.event === 'released') blocks.delete(each.first);
  return [...blocks.values()];
}

function watched(t: ExecutionContext) {
  const folder = mkdtempSync(join(tmpdir(), 'weft-watch-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const forwarder = {
    events: [] as NatEvent[],
    /** Undefined: what the events lead to. */
    blocks: undefined as readonly NatBlock[] | undefined,
    natEvents: async (after: number) => forwarder.events.filter(({ sequence }) => sequence > after).slice(0, 3),
    natBlocks: async function* () {
      yield forwarder.blocks ?? standing(forwarder.events);
    },
  };
  const names = new Map([[11, { project: 'default', port: 'vm1' }]]);
  const heard: NatEvent[] = [];
  const now = () => Date.parse('2026-01-02T01:00:00Z');
  let log: BlockLog | undefined;
  const close = () => log?.close();
  const begin = () => {
    close();
    log = new BlockLog(folder, { logDays: 30, logMib: 16 }, now);
    return new BlockWatch({ forwarder, log, nameOf: (id) => names.get(id), heard: (one) => void heard.push(one), now });
  };
  const lines = async () => {
    const all: Entry[] = [];
    for await (const entry of happenedSince(folder, 0)) all.push(entry);
    return all.map((entry) => [entry.event, entry.port, entry.first ?? entry.count].filter(Boolean).join(' '));
  };
  t.teardown(close);
  return { forwarder, names, heard, begin, lines, close };
}

test('every event is written once, in order, over restarts of the plugin', async (t) => {
  const { forwarder, begin, lines, heard } = watched(t);
  forwarder.events = [event(1), event(2, { first: 2048, last: 2559 }), event(3, { event: 'released' }), event(4)];
  await begin().poll();
  const again = begin();
  await again.poll();
  forwarder.events.push(event(5, { event: 'exhausted', first: 0, last: 0, protocol: 6 }));
  await again.poll();
  t.deepEqual(await lines(), ['assigned vm1 1024', 'assigned vm1 2048', 'released vm1 1024', 'assigned vm1 1024', 'exhausted vm1']);
  t.deepEqual(
    heard.map(({ sequence }) => sequence),
    [1, 2, 3, 4, 5],
  );
});

test('a gap in the numbers is a line, and what ports have is taken from the forwarder', async (t) => {
  const { forwarder, names, begin, lines } = watched(t);
  const watch = begin();
  names.set(12, { project: 'default', port: 'vm2' });
  forwarder.events = [event(1)];
  await watch.poll();
  forwarder.events = [event(6, { first: 4096, last: 4607 })];
  forwarder.blocks = [event(6, { first: 4096, last: 4607 }), event(5, { first: 3072, last: 3583, insidePort: 12 })];
  await watch.poll();
  t.deepEqual(await lines(), ['assigned vm1 1024', 'lost 4', 'assigned vm1 4096', 'released vm1 1024', 'assigned vm2 3072']);
  t.is(watch.lost, 4);
  await watch.poll();
  t.is((await lines()).length, 5);
});

test('a forwarder that lost its memory counts anew, which is noticed whatever its numbers', async (t) => {
  const { forwarder, begin, lines } = watched(t);
  const watch = begin();
  forwarder.events = [event(1), event(2, { first: 2048, last: 2559 })];
  await watch.poll();
  forwarder.events = [];
  await watch.poll();
  t.deepEqual((await lines()).slice(2), ['restarted']);
  const later = Date.parse('2026-01-03T00:00:00Z');
  forwarder.events = [event(1, { timeMs: later })];
  await watch.poll();
  // As many again, but others.
  forwarder.events = [event(1, { timeMs: later + 5_000 }), event(2, { timeMs: later + 6_000, first: 3072, last: 3583 })];
  await watch.poll();
  t.deepEqual((await lines()).slice(3), ['assigned vm1 1024', 'restarted', 'assigned vm1 1024', 'assigned vm1 3072']);
});

test('a long gap is closed once what is known of it is written, each event once', async (t) => {
  const { forwarder, begin, lines } = watched(t);
  const watch = begin();
  const block = (sequence: number, first: number, what: NatEvent['event'] = 'assigned') =>
    event(sequence, { event: what, first, last: first + 511 });
  forwarder.events = [block(1, 1024), block(2, 2048)];
  await watch.poll();
  // More than it tells at a time.
  forwarder.events = [block(5, 3072), block(6, 1024, 'released'), block(7, 4096), block(8, 3072, 'released'), block(9, 1024)];
  forwarder.blocks = [block(7, 4096), block(9, 1024)];
  await watch.poll();
  t.deepEqual((await lines()).slice(2), [
    ...['lost 2', 'assigned vm1 3072', 'released vm1 1024', 'assigned vm1 4096', 'released vm1 3072', 'assigned vm1 1024'],
    'released vm1 2048',
  ]);
});

test('a plugin that ended within a gap closes it when it starts again', async (t) => {
  const { forwarder, begin, lines } = watched(t);
  const watch = begin();
  forwarder.events = [event(1)];
  await watch.poll();
  forwarder.events = [event(5, { first: 4096, last: 4607 })];
  forwarder.blocks = [event(5, { first: 4096, last: 4607 })];
  const answer = forwarder.natBlocks;
  forwarder.natBlocks = () => {
    throw new Error('killed');
  };
  await t.throwsAsync(watch.poll(), { message: 'killed' });
  forwarder.natBlocks = answer;
  await begin().poll();
  t.deepEqual(await lines(), ['assigned vm1 1024', 'lost 3', 'assigned vm1 4096', 'released vm1 1024']);
});

test('a log that is closed asks no more', async (t) => {
  const { forwarder, begin, lines, close } = watched(t);
  const watch = begin();
  await watch.poll();
  forwarder.events = [event(1)];
  close();
  await watch.poll();
  t.deepEqual(await lines(), []);
});

test('a port that is gone is called as it was when it got the block', async (t) => {
  const { forwarder, names, begin, lines } = watched(t);
  const watch = begin();
  forwarder.events = [event(1)];
  await watch.poll();
  names.clear();
  forwarder.events.push(event(2, { event: 'released' }), event(3, { first: 2048, last: 2559 }));
  await begin().poll();
  t.deepEqual(await lines(), ['assigned vm1 1024', 'released vm1 1024', 'assigned 2048']);
});

test('while the forwarder is away nothing is lost', async (t) => {
  const { forwarder, begin, lines } = watched(t);
  const watch = begin();
  const answer = forwarder.natEvents;
  forwarder.natEvents = () => Promise.reject(new Error('away'));
  await t.throwsAsync(watch.poll(), { message: 'away' });
  forwarder.natEvents = answer;
  forwarder.events = [event(1)];
  await watch.poll();
  t.deepEqual(await lines(), ['assigned vm1 1024']);
});
