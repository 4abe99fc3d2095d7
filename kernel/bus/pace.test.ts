import test from 'ava';
import { Budget } from './budget.ts';
import { Pace } from './pace.ts';

function charged(work: () => void): number {
  const budget = new Budget({ share: 1, burstMs: 0, now: () => 0 });
  new Pace(() => undefined, budget).charge(work);
  return budget.pauseMs();
}

test('a peer pays for the time of the processor that its message takes, not for what this thread stands still', (t) => {
  const still = charged(() => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200));
  t.true(still < 100, `${still} ms`);
  const busy = charged(() => {
    for (const end = process.threadCpuUsage().user + 50_000; process.threadCpuUsage().user < end; );
  });
  t.true(busy >= 50, `${busy} ms`);
});
