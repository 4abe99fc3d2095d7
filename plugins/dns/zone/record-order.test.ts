import test from 'ava';
import { RecordOrder } from './record-order.ts';

const record = (name: string, type: number, last: number) => ({ name: [name], type, class: 1, ttl: 60, data: Buffer.from([last]) });
const three = [1, 2, 3].map((last) => record('web', 1, last));
const told = (records: readonly { data: Buffer }[]): string => records.map(({ data }) => data[0]).join('');

test('fixed leaves the order', (t) => {
  t.is(new RecordOrder(() => 0.9).arrange(three, 'fixed', 'k'), three);
});

test('round-robin takes turns, each question its own', (t) => {
  const order = new RecordOrder(() => 0);
  t.deepEqual(
    [1, 2, 3, 4].map(() => told(order.arrange(three, 'round-robin', 'a'))),
    ['123', '231', '312', '123'],
  );
  t.is(told(order.arrange(three, 'round-robin', 'b')), '123');
});

test('random tells every order about as often', (t) => {
  let seed = 1;
  const order = new RecordOrder(() => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return seed / 2 ** 32;
  });
  const counts = new Map<string, number>();
  for (let count = 0; count < 6000; count += 1) {
    const text = told(order.arrange(three, 'random', 'k'));
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  t.is(counts.size, 6);
  for (const [text, count] of counts) t.true(count > 800 && count < 1200, `${text}: ${count}`);
});

test('a chain of aliases and single records stay as they are', (t) => {
  const chain = [record('a', 5, 1), record('b', 5, 2), record('c', 1, 3)];
  t.is(new RecordOrder(() => 0.9).arrange(chain, 'random', 'k'), chain);
  const ended = [record('a', 5, 9), ...three];
  t.is(told(new RecordOrder(() => 0).arrange(ended, 'round-robin', 'k')), '9123');
});

test('remembers a bounded number of turns', (t) => {
  const order = new RecordOrder(() => 0);
  order.arrange(three, 'round-robin', 'first');
  for (let count = 0; count < 4096; count += 1) order.arrange(three, 'round-robin', `${count}`);
  t.is(told(order.arrange(three, 'round-robin', 'first')), '123');
});
