import test from 'ava';
import { formatKey, keyOf, type ObjectEvent, type WeftObject } from '../contract/system/index.ts';
import { Cache } from './object-cache.ts';
import { makeObject } from './testing/index.ts';

const object = (name: string, revision: number, uid = name): WeftObject => {
  const made = makeObject('Port', name, {}, { uid });
  return { ...made, metadata: { ...made.metadata, revision } };
};
const event = (type: ObjectEvent['type'], of: WeftObject): ObjectEvent => ({ revision: of.metadata.revision, type, object: of });

function followed() {
  const cache = new Cache(() => undefined);
  const heard: string[] = [];
  const index = new Map<string, WeftObject>();
  const follow = () =>
    cache.follow((before, after) => {
      heard.push(`${before?.metadata.revision ?? '-'} ${after?.metadata.revision ?? '-'}`);
      if (before) index.delete(formatKey(keyOf(before)));
      if (after) index.set(formatKey(keyOf(after)), after);
    });
  return { cache, heard, index, follow };
}

test('a follower hears of what there is, then of each change at once', (t) => {
  const { cache, heard, follow } = followed();
  cache.reset([object('a', 1)], 1);
  const stop = follow();
  cache.apply([event('created', object('b', 2)), event('updated', object('a', 3)), event('deleted', object('b', 4))]);
  cache.apply([event('deleted', object('a', 3))]);
  stop();
  cache.apply([event('deleted', object('a', 5))]);
  t.deepEqual(heard, ['- 1', '- 2', '1 3', '2 -']);
});

test('a follower has heard of everything when the cache says that it reached a revision, even of a world that is told anew', async (t) => {
  const { cache, index, follow } = followed();
  follow();
  const seen = cache.reached(3).then(() => [...index.keys()]);
  cache.apply([event('created', object('a', 1)), event('created', object('b', 2)), event('created', object('c', 3))]);
  t.deepEqual(await seen, ['Port/default/a', 'Port/default/b', 'Port/default/c']);
  cache.reset([object('b', 2), object('d', 6)], 6);
  t.deepEqual([...index.keys()].sort(), ['Port/default/b', 'Port/default/d']);
});

test('what a follower throws is told, as what a listener throws is', (t) => {
  const told: unknown[] = [];
  const cache = new Cache((error) => told.push(error));
  const thrown = new Error('no index');
  cache.follow(() => {
    throw thrown;
  });
  cache.apply([event('created', object('a', 1))]);
  t.deepEqual(told, [thrown]);
  t.is(cache.revision, 1);
});
