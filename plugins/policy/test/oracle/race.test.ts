import test from 'ava';
import { race } from './race.ts';

test('while batches change several groups at once no packet meets half of one', async (t) => {
  const { neverAllowed, alwaysAllowed, onceAllowed } = await race(500);
  t.true(neverAllowed.sent > 100);
  t.is(neverAllowed.left, 0);
  t.is(alwaysAllowed.left, alwaysAllowed.sent);
  // Both rules were met: the batches and the packets ran side by side.
  t.true(onceAllowed.left > 0 && onceAllowed.left < onceAllowed.sent);
});
