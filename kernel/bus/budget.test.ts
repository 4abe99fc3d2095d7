import test from 'ava';
import { Budget } from './budget.ts';

test('a burst is free, then each millisecond costs what the share says', (t) => {
  let now = 0;
  const budget = new Budget({ share: 0.25, burstMs: 100, now: () => now });
  budget.spend(100);
  t.is(budget.pauseMs(), 0);
  budget.spend(10);
  t.is(budget.pauseMs(), 40);
  now = 30;
  t.is(budget.pauseMs(), 10);
  now = 40;
  t.is(budget.pauseMs(), 0);
});

test('what is not used is not saved beyond the burst', (t) => {
  let now = 0;
  const budget = new Budget({ share: 0.5, burstMs: 10, now: () => now });
  now = 1_000_000;
  budget.spend(15);
  t.is(budget.pauseMs(), 10);
});

test('no pause is longer than a second', (t) => {
  const budget = new Budget({ share: 0.01, burstMs: 0, now: () => 0 });
  budget.spend(5_000);
  t.is(budget.pauseMs(), 1_000);
});
