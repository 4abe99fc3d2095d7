import test from 'ava';
import { pino } from 'pino';
import { memoryPair } from '../bus/index.ts';
import type { ForwarderCalls, Row } from '../contract/net/index.ts';
import { fail } from '../contract/system/index.ts';
import { RowPublisher } from './row-set.ts';
import { FakeForwarder } from './testing/index.ts';
import { type RowMap, WantedRows } from './wanted-rows.ts';

/** Counts the rows that are looked at or changed. */
class CountingMap implements RowMap {
  readonly #rows = new Map<string, NonNullable<ReturnType<RowMap['get']>>>();
  touched = 0;

  get size() {
    return this.#rows.size;
  }

  get(id: string) {
    this.touched += 1;
    return this.#rows.get(id);
  }

  set(id: string, row: NonNullable<ReturnType<RowMap['get']>>) {
    this.touched += 1;
    return this.#rows.set(id, row);
  }

  delete(id: string) {
    this.touched += 1;
    return this.#rows.delete(id);
  }

  keys() {
    this.touched += this.#rows.size;
    return this.#rows.keys();
  }

  values() {
    this.touched += this.#rows.size;
    return this.#rows.values();
  }
}

/** A publisher joined to a forwarder that holds what it is sent. */
function joined() {
  const forwarder = new FakeForwarder(['vrf', 'mac'], []);
  const map = new CountingMap();
  const link = memoryPair<object, ForwarderCalls>(
    { name: 'plugin', handlers: {}, onConnect: () => rows.reconnected() },
    { name: 'forwarder', handlers: forwarder.handlers() },
  );
  const rows = new RowPublisher(link.a, pino({ enabled: false }), new WantedRows(map));
  link.connect();
  return { rows, forwarder, map, link };
}

const vrf = (id: number): Row => ({ table: 'vrf', id });
const mac = (low: number, port: number): Row => ({
  table: 'mac',
  bridge: 1,
  mac: `02:00:00:00:00:${low.toString(16).padStart(2, '0')}`,
  port,
});
const idsIn = (forwarder: FakeForwarder) =>
  forwarder
    .rows('vrf')
    .map(({ id }) => id)
    .sort((a, b) => a - b);
const many = Array.from({ length: 20_000 }, (_, index) => vrf(index + 1));

test('an update touches its own rows only, however many are wanted', async (t) => {
  const { rows, forwarder, map } = joined();
  await rows.replace(many);
  const changes = forwarder.changes;
  map.touched = 0;
  await rows.update([vrf(30_000), vrf(1)], [vrf(2), vrf(40_000)]);
  // Looked at: four. Changed: one is new, one goes; the others are there, or gone, already.
  t.is(map.touched, 6);
  t.is(forwarder.changes - changes, 2);
});

test('undoing a refused update touches its own rows only', async (t) => {
  const { rows, forwarder, map } = joined();
  await rows.replace(many);
  forwarder.refuse = (row) => (row.table === 'vrf' && row.id === 30_000 ? 'unlucky' : null);
  map.touched = 0;
  const refused = rows.update([vrf(30_000)], [vrf(2)]);
  await t.throwsAsync(refused, { message: 'unlucky' });
  t.is(map.size, many.length);
  // Two looked at, changed, and changed back.
  t.is(map.touched, 6);
});

test('a refused change leaves former fields and deleted rows as they were', async (t) => {
  const { rows, forwarder } = joined();
  await rows.replace([mac(1, 10), mac(2, 20)]);
  forwarder.refuse = (row) => (row.table === 'vrf' ? 'no' : null);
  await t.throwsAsync(rows.update([mac(1, 11), vrf(1)], [mac(2, 20)]), { message: 'no' });
  await rows.update([mac(3, 30)], []);
  const ports = forwarder.rows('mac').map(({ port }) => port);
  t.deepEqual(
    ports.sort((a, b) => a - b),
    [10, 20, 30],
  );
});

test('the last of upsert and delete in one update is the upsert', async (t) => {
  const { rows, forwarder } = joined();
  await rows.replace([mac(1, 10)]);
  await rows.update([mac(1, 11)], [mac(1, 10)]);
  t.deepEqual(
    forwarder.rows('mac').map(({ port }) => port),
    [11],
  );
});

test('calls take effect in their order, each on top of those before it', async (t) => {
  const { rows, forwarder } = joined();
  const seen: number[][] = [];
  const see = () => void seen.push(idsIn(forwarder));
  await Promise.all([
    rows.replace([vrf(1), vrf(2)]).then(see),
    rows.update([vrf(3)], [vrf(1)]).then(see),
    rows.replace([vrf(3), vrf(4)]).then(see),
    rows.update([], [vrf(3)]).then(see),
  ]);
  t.deepEqual(seen, [[1, 2], [2, 3], [3, 4], [4]]);
});

test('a change that the loss of the forwarder interrupts is made once, after everything else is there again', async (t) => {
  const { rows, forwarder, link } = joined();
  await rows.replace([vrf(1), vrf(2)]);
  const interrupted = rows.update([vrf(3)], [vrf(1)]);
  link.disconnect();
  link.connect();
  await interrupted;
  t.deepEqual(idsIn(forwarder), [2, 3]);
  t.is(forwarder.generations, 2);
});

test('a forwarder that is there but takes no rows for now is asked again, and complained of once', async (t) => {
  const forwarder = new FakeForwarder(['vrf'], []);
  let refusals = 3;
  const handlers: ReturnType<FakeForwarder['handlers']> = {
    ...forwarder.handlers(),
    'rows.begin': (input, context) => {
      if (refusals-- > 0) throw fail('UNAVAILABLE', 'the table is full');
      return forwarder.handlers()['rows.begin'](input, context);
    },
  };
  const link = memoryPair<object, ForwarderCalls>({ name: 'plugin', handlers: {} }, { name: 'forwarder', handlers });
  const logged: string[] = [];
  const rows = new RowPublisher(link.a, pino({ level: 'warn' }, { write: (line) => void logged.push(line) }));
  link.connect();
  await rows.replace([vrf(1)]);
  t.deepEqual(idsIn(forwarder), [1]);
  t.is(logged.length, 1);
  t.regex(logged[0] ?? '', /the table is full/);
});

test('a forwarder that knows the generation no more is sent everything anew', async (t) => {
  const { rows, forwarder } = joined();
  await rows.replace([vrf(1)]);
  forwarder.generations += 7;
  await rows.update([vrf(2)], []);
  t.deepEqual(idsIn(forwarder), [1, 2]);
});

test('rows of an earlier life stay until the plugin has said what it wants', async (t) => {
  const { rows, forwarder, link } = joined();
  forwarder.refuse = () => 'not yet';
  await t.throwsAsync(rows.replace([vrf(1)]), { message: 'not yet' });
  link.disconnect();
  link.connect();
  forwarder.refuse = () => null;
  t.is(forwarder.generations, 1);
  await rows.replace([vrf(2)]);
  t.is(forwarder.generations, 2);
  t.deepEqual(idsIn(forwarder), [2]);
});

test('nothing is written after the rows were removed for good', async (t) => {
  const { rows, forwarder } = joined();
  const replaced = rows.replace(many);
  await rows.disable();
  await replaced;
  await rows.update([vrf(1)], []);
  await new Promise((resolve) => setImmediate(resolve));
  t.deepEqual(forwarder.rows(), []);
});

test('a change that waited for the forwarder is one change, not mixed with the rows that it removes', async (t) => {
  const { rows, forwarder, link } = joined();
  await rows.replace([vrf(1)]);
  link.disconnect();
  const changed = rows.update([vrf(2)], [vrf(1)]);
  const sent: number[] = [];
  forwarder.refuse = (row) => {
    if (row.table === 'vrf') sent.push(row.id);
    return null;
  };
  link.connect();
  await changed;
  t.deepEqual(sent, [1, 2]);
  t.deepEqual(idsIn(forwarder), [2]);
});

test('a forwarder that refuses what it had taken gets the change that may mend it', async (t) => {
  const { rows, forwarder, link } = joined();
  await rows.replace([vrf(1)]);
  link.disconnect();
  forwarder.refuse = (row) => (row.table === 'vrf' && row.id === 1 ? 'no room' : null);
  const changed = rows.update([vrf(2)], [vrf(1)]);
  link.connect();
  await changed;
  t.deepEqual(idsIn(forwarder), [2]);
});
