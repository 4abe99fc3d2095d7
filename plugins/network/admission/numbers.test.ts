import test from 'ava';
import { network, port, Store } from '../test/store.ts';
import { Committed } from './committed.ts';
import { NumberSpace } from './numbers.ts';

const taken = (space: NumberSpace, count: number) => Array.from({ length: count }, () => space.take());

test('numbers are given in turn: those above the last one, then those from the beginning, each once', (t) => {
  const used = (number: number): boolean => number === 3;
  t.deepEqual(taken(new NumberSpace(1, 5, used), 5), [1, 2, 4, 5, undefined]);
  t.deepEqual(taken(new NumberSpace(1, 5, used, 4), 5), [5, 1, 2, 4, undefined]);
  t.deepEqual(taken(new NumberSpace(1, 5, used, 5), 2), [1, 2]);
  t.deepEqual(taken(new NumberSpace(1, 5, used, 9), 1), [1]);
});

const idOf = (store: Store, name: string) =>
  store.get<never>({ kind: 'Port', project: 'default', name }) as { status: { id: number } } | undefined;

test('a port does not get the number of one that went: what others know of that number may not be gone yet', (t) => {
  const store = new Store();
  store.apply([network('red', '10.1.0.0/24'), port('a'), port('b')]);
  store.apply([], [{ kind: 'Port', project: 'default', name: 'b' }]);
  store.apply([port('c')]);
  t.is(idOf(store, 'c')?.status.id, 3);
});

test('the last number that was given is known after a restart, whatever the order of the objects, and also behind the end of the space', (t) => {
  const store = new Store();
  store.apply([network('red', '10.1.0.0/24'), port('a'), port('b'), port('c')]);
  const ports = store.list('Port').toReversed();
  const committed = new Committed();
  for (const object of ports) committed.note(undefined, object);
  t.is(committed.lastLinkId, 3);
  const kept = new Committed(700);
  for (const object of ports) kept.note(undefined, object);
  t.is(kept.lastLinkId, 700);
  const [first] = ports;
  if (first === undefined) throw new Error('no port');
  const around = new Committed(2);
  around.note(undefined, { ...first, status: { ...first.status, id: 1_048_000 } });
  t.is(around.lastLinkId, 2);
  const wrapping = new Committed(1_048_000);
  wrapping.note(undefined, { ...first, status: { ...first.status, id: 1 } });
  t.is(wrapping.lastLinkId, 1);
});
