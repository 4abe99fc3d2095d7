import test from 'ava';
import { Limits } from './limits.ts';

test('a port waits for so many answers, whatever others do', (t) => {
  const limits = new Limits({ maxPerPort: 2, maxInFlight: 100 });
  const end = limits.wait(1);
  t.truthy(limits.wait(1));
  t.is(limits.wait(1), undefined);
  t.truthy(limits.wait(2));
  end?.();
  t.truthy(limits.wait(1));
});

test('however many networks are at their limit, there is room for one more', (t) => {
  const limits = new Limits({ maxPerPort: 1, maxInFlight: 60 });
  const started = (network: string) => {
    let count = 0;
    while (limits.start(network) !== undefined) count += 1;
    return count;
  };
  t.deepEqual(['a', 'b', 'c', 'd'].map(started), [30, 15, 8, 4]);
  t.is(started('a'), 0);
  t.true(started('e') > 0);
});

test('what ends makes room', (t) => {
  const limits = new Limits({ maxPerPort: 1, maxInFlight: 2 });
  const end = limits.start('a');
  t.is(limits.start('a'), undefined);
  end?.();
  t.truthy(limits.start('a'));
});

test('a part of the room is less', (t) => {
  const limits = new Limits({ maxPerPort: 1, maxInFlight: 8 });
  t.truthy(limits.start('a', 0.25));
  t.truthy(limits.start('a', 0.25));
  t.is(limits.start('a', 0.25), undefined);
  t.truthy(limits.start('a'));
});
