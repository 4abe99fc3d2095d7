import test from 'ava';
import { Schedule } from './schedule.ts';

const settings = { raIntervalSeconds: 600 };

/** When the port is told, from 0 on, as long as `ms`. */
function times(schedule: Schedule, ms: number): readonly number[] {
  const told: number[] = [];
  for (let now = schedule.nextMs(); now <= ms; now = schedule.nextMs()) if (schedule.take(now, 10).includes(1)) told.push(now);
  return told;
}
const gaps = (at: readonly number[]) => at.slice(1).map((time, index) => time - (at[index] ?? 0));

test('§6.2.4: a port that comes up is told at once, and twice more within 16 s each', (t) => {
  for (const chance of [0, 0.5, 1]) {
    const schedule = new Schedule(settings, () => chance);
    schedule.renew(1, 0);
    const at = times(schedule, 3_600_000);
    t.is(at[0], 0);
    t.deepEqual(gaps(at).slice(0, 2), [16_000, 16_000]);
    t.is(gaps(at)[2], 200_000 + chance * 400_000);
  }
});

test('§6.2.1: after that between a third of the interval and all of it', (t) => {
  for (const [raIntervalSeconds, least] of [
    [30, 10_000],
    [9, 3_000],
    [4, 3_000],
  ] as const) {
    const schedule = new Schedule({ raIntervalSeconds });
    schedule.renew(1, 0);
    const between = gaps(times(schedule, raIntervalSeconds * 100_000));
    t.true(between.length >= 100);
    for (const gap of between) t.true(gap >= least && gap <= raIntervalSeconds * 1000, String(gap));
    t.true(new Set(between).size > 50, 'not in step');
  }
});

test('§6.2.6: news and questions wait until 3 s after the last', (t) => {
  const schedule = new Schedule(settings);
  schedule.renew(1, 0);
  t.deepEqual(schedule.take(0, 1), [1]);
  schedule.renew(1, 1_000);
  t.is(schedule.nextMs(), 3_000);
  schedule.take(3_000, 1);
  schedule.hasten(1, 4_000);
  t.is(schedule.nextMs(), 6_000);
  schedule.take(6_000, 1);
  schedule.hasten(1, 10_000);
  t.is(schedule.nextMs(), 10_000);
});

test('a question puts nothing off, and starts nothing', (t) => {
  const schedule = new Schedule(settings);
  schedule.renew(1, 0);
  schedule.hasten(1, 5_000);
  t.is(schedule.nextMs(), 0);
  schedule.remove(1);
  schedule.hasten(1, 5_000);
  t.is(schedule.nextMs(), Number.POSITIVE_INFINITY);
});

test('many that come up at once are told a few at a time, each once', (t) => {
  const schedule = new Schedule(settings);
  for (let id = 0; id < 1000; id++) schedule.renew(id, 0);
  const told = Array.from({ length: 16 }, (_, turn) => schedule.take(turn * 50, 64));
  t.true(told.every((ids) => ids.length <= 64));
  t.is(new Set(told.flat()).size, 1000);
  t.is(told.flat().length, 1000);
});

test('where more are due than are told at a time, each has its turn', (t) => {
  const schedule = new Schedule({ raIntervalSeconds: 4 });
  for (let id = 0; id < 10; id++) schedule.renew(id, 0);
  const told = Array.from({ length: 5 }, (_, turn) => schedule.take(turn * 20_000, 2));
  t.is(new Set(told.flat()).size, 10);
});

test('knows which are still the first few', (t) => {
  const schedule = new Schedule(settings);
  schedule.renew(1, 0);
  const initial = [0, 16_000, 32_000].map((now) => schedule.take(now, 1).every((id) => schedule.isInitial(id)));
  t.deepEqual(initial, [true, true, false]);
});
