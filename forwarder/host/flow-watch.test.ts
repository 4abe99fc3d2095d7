import { setTimeout as pause } from 'node:timers/promises';
import type { ForwarderCalls } from '@weft/kernel/contract/net';
import type { ItemOf } from '@weft/kernel/contract/system';
import test from 'ava';
import { type Flow, flowEvents } from '../binding/index.ts';
import { FlowWatch } from './flow-watch.ts';
import { packedFlow } from './test/packed-flow.ts';

const { BEGAN, ENDED, DENIED } = flowEvents;
const flows = (event: number, count: number): Flow[] => Array.from({ length: count }, (_, n) => packedFlow({ event, srcPort: n % 65_536 }));

/** Rings with these parts in them; `asked` notes what was asked of them. */
function rings(...parts: Flow[][]) {
  const asked: boolean[] = [];
  const library = {
    eventsLost: 0n,
    dropName: String,
    flowEvents: (follow: boolean) => {
      asked.push(follow);
      return parts.shift() ?? [];
    },
    flowStatsRead: () => ({
      ...{ capacity: 1n, used: 0n, added: 0n, expired: 0n, evicted: 0n, kept: 0n, redecided: 0n },
      eventsLost: library.eventsLost,
    }),
  };
  return { library, asked, happens: (...more: Flow[][]) => void parts.push(...more) };
}

function watching(watch: FlowWatch, follow: boolean) {
  const abort = new AbortController();
  const items = watch.watch({ follow }, abort.signal);
  type Item = ItemOf<ForwarderCalls, 'flows.watch'>;
  const next = async (): Promise<Item | undefined> => (await items.next()).value;
  return { items, next, abort: () => abort.abort() };
}

test('each watcher gets everything that it asked for, from its first item on', async (t) => {
  const { library, happens } = rings(flows(DENIED, 3));
  const watch = new FlowWatch(library);
  const [all, denials] = [watching(watch, true), watching(watch, false)];
  t.deepEqual(await all.next(), { flows: [], lost: 0 });
  t.deepEqual(await denials.next(), { flows: [], lost: 0 });
  happens([...flows(BEGAN, 1), ...flows(DENIED, 1)], flows(ENDED, 1));
  const [first, denied] = await Promise.all([all.next(), denials.next()]);
  t.deepEqual(
    first?.flows.map(({ event }) => event),
    ['began', 'denied'],
  );
  t.deepEqual(
    denied?.flows.map(({ event }) => event),
    ['denied'],
  );
  t.deepEqual(
    (await all.next())?.flows.map(({ event }) => event),
    ['ended'],
  );
  await Promise.all([all.items.return(undefined), denials.items.return(undefined)]);
});

test('the library follows while somebody does, and is asked nothing when nobody watches', async (t) => {
  const { library, asked } = rings();
  const watch = new FlowWatch(library);
  const denials = watching(watch, false);
  await denials.next();
  t.deepEqual(asked, [false]);
  const all = watching(watch, true);
  await all.next();
  t.deepEqual(asked, [false, true], 'at once');
  await all.items.return(undefined);
  t.is(asked.at(-1), false);
  await denials.items.return(undefined);
  await pause(150);
  const before = asked.length;
  await pause(250);
  t.is(asked.length, before);
});

test('what the library loses is told, since the watcher began', async (t) => {
  const { library } = rings();
  library.eventsLost = 7n;
  const watcher = watching(new FlowWatch(library), true);
  t.deepEqual(await watcher.next(), { flows: [], lost: 0 });
  library.eventsLost = 12n;
  t.deepEqual(await watcher.next(), { flows: [], lost: 5 });
  await watcher.items.return(undefined);
});

test('a slow reader keeps the newest 10,000 and is told how many it missed', async (t) => {
  const { library, happens } = rings();
  const watch = new FlowWatch(library);
  const [slow, quick] = [watching(watch, true), watching(watch, true)];
  await slow.next();
  await quick.next();
  happens(...Array.from({ length: 24 }, () => flows(BEGAN, 500)));
  for (let got = 0; got < 12_000; ) got += (await quick.next())?.flows.length ?? Number.NaN;
  const item = await slow.next();
  t.is(item?.flows.length, 1_000);
  t.is(item?.lost, 2_000);
  await Promise.all([slow.items.return(undefined), quick.items.return(undefined)]);
});

test('of denials 200 are told in an interval, the rest is counted', async (t) => {
  const { library, happens } = rings();
  const watcher = watching(new FlowWatch(library), false);
  await watcher.next();
  happens(flows(DENIED, 150), flows(DENIED, 150));
  let [told, lost] = [0, 0];
  while (lost === 0) {
    const item = await watcher.next();
    told += item?.flows.length ?? 0;
    lost = item?.lost ?? 0;
  }
  t.deepEqual([told, lost], [200, 100]);
  await pause(150);
  happens(flows(DENIED, 1));
  t.deepEqual(await watcher.next().then((item) => [item?.flows.length, item?.lost]), [1, 100]);
  await watcher.items.return(undefined);
});

test('it ends when its reader is gone', async (t) => {
  const { library, asked } = rings();
  const watcher = watching(new FlowWatch(library), true);
  await watcher.next();
  const waiting = watcher.items.next();
  watcher.abort();
  t.deepEqual(await waiting, { done: true, value: undefined });
  t.is(asked.at(-1), false);
});

test('nothing is asked of a library that was stopped', async (t) => {
  const { library, asked } = rings();
  const watch = new FlowWatch(library);
  const watcher = watching(watch, true);
  await watcher.next();
  watch.stop();
  await pause(150);
  await watcher.items.return(undefined);
  t.deepEqual(asked, [true]);
});
