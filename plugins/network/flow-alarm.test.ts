import test from 'ava';
import { FlowAlarm } from './flow-alarm.ts';

const none = { added: 0, expired: 0, evicted: 0, kept: 0, redecided: 0, eventsLost: 0 };

test('a table that fills up is told once, and once more when there is room again', async (t) => {
  const told: (string | null)[] = [];
  let used = 0;
  const alarm = new FlowAlarm(
    () => Promise.resolve({ ...none, capacity: 1_000, used }),
    (_key, given) => {
      told.push(given?.text ?? null);
      return Promise.resolve();
    },
  );
  for (used of [0, 899, 900, 950, 850, 800, 799, 0]) await alarm.look();
  t.is(told.length, 3);
  t.deepEqual([told[0], told[2]], [null, null]);
  t.regex(told[1] ?? '', /more than 90 % of the 1000 flows that fit are in use: raise the forwarder's flows\/pairs/);
});

test('what could not be told is told with the next look', async (t) => {
  let fails = true;
  const told: unknown[] = [];
  const alarm = new FlowAlarm(
    () => Promise.resolve({ ...none, capacity: 10, used: 10 }),
    (_key, given) => {
      if (fails) return Promise.reject(new Error('away'));
      told.push(given?.severity);
      return Promise.resolve();
    },
  );
  await t.throwsAsync(alarm.look());
  fails = false;
  await alarm.look();
  t.deepEqual(told, ['warning']);
});
