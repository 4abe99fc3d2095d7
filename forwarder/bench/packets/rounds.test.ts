import test from 'ava';
import { cases } from './cases.ts';
import { Judge, measurements, runRounds } from './rounds.ts';
import type { Sample } from './sample.ts';
import type { Contestant } from './scenario.ts';

const question = { scenario: { kind: 'l3', routes: 1000, family: 4 }, traffic: { flows: 1000 } } as const;

const contestant = (name: Contestant['name']): Contestant => ({
  name,
  version: () => '1',
  supports: () => true,
  start: () => Promise.reject(new Error('no sample starts it here')),
});

const sample = (mpps: number, calibration = 100): Sample => ({
  mpps,
  grossCycles: 100,
  harnessCycles: 30,
  netCycles: 70,
  calibration,
  latency: [1, 2, 3],
});

test('contestants take turns: A B A B', async (t) => {
  const order: string[] = [];
  const judge = new Judge(({ name }) => {
    order.push(name);
    return Promise.resolve(sample(order.length));
  });
  const { series } = await runRounds([contestant('weft'), contestant('ovs')], () => question, 2, judge);
  t.deepEqual(order, ['weft', 'ovs', 'weft', 'ovs']);
  t.deepEqual(
    series.map(({ contestant: name, samples }) => [name, samples.map(({ mpps }) => mpps)]),
    [
      ['weft', [1, 3]],
      ['ovs', [2, 4]],
    ],
  );
});

test('who fails is named with the round and the reason, and the others go on', async (t) => {
  let started = 0;
  const judge = new Judge(({ name }) => {
    if (name === 'ovs' && ++started === 2) return Promise.reject(new Error('it died'));
    return Promise.resolve(sample(1));
  });
  const { series, failed } = await runRounds([contestant('weft'), contestant('ovs')], () => question, 3, judge);
  t.deepEqual([...failed], [['ovs', 'round 2: it died']]);
  t.deepEqual(
    series.map(({ contestant: name, samples }) => [name, samples.length]),
    [['weft', 3]],
  );
  t.is(started, 2);
});

test('a sample that the machine slowed is taken again, twice at most, and the fastest counts', async (t) => {
  const answers = [sample(10, 100), sample(5, 106), sample(9, 104), sample(3, 120), sample(4, 112), sample(2, 130)];
  const judge = new Judge(() => Promise.resolve(answers.shift() ?? sample(0)));
  t.deepEqual(await judge.take(contestant('weft'), question), { sample: sample(10, 100), repeats: 0 });
  t.deepEqual(await judge.take(contestant('weft'), question), { sample: sample(9, 104), repeats: 1 });
  t.deepEqual(await judge.take(contestant('weft'), question), { sample: sample(4, 112), repeats: 2 });
  t.is(answers.length, 0);
});

test('a series becomes Mpps and net cycles; only Weft has targets', (t) => {
  const benchCase = cases.find(({ id }) => id === 'l3');
  const variant = benchCase?.variants[0];
  if (benchCase === undefined || variant === undefined) return t.fail();
  const series = { samples: [{ ...sample(10), note: 'emc off' }, sample(11)], repeats: 1 };
  const [rate, cost] = measurements(benchCase, variant, { contestant: 'weft', ...series });
  t.like(rate, { case: 'l3', variant: '1 k flows', size: 1000, unit: 'Mpps', better: 'more', values: [10, 11] });
  t.is(rate?.note, 'emc off; 1 slowed samples taken again');
  t.like(cost, { unit: 'net cycles', better: 'less', values: [70, 70], target: 60 });
  t.is(measurements(benchCase, variant, { contestant: 'ovs', ...series })[1]?.target, undefined);
});
