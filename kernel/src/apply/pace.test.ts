import test from 'ava';
import { Pace } from './pace.ts';

function work(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}

test('others have their turn during long work, and short work is not interrupted', async (t) => {
  const pace = new Pace();
  let turns = 0;
  const others = setImmediate(() => {
    turns += 1;
  });
  await pace.step();
  t.is(turns, 0);
  work(30);
  await pace.step();
  t.is(turns, 1);
  clearImmediate(others);
});
