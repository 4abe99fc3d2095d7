import test from 'ava';
import { median, pairedRatio, Rounds, rowsOf } from './measurement.ts';

const figure = { group: 'api', case: 'put', title: 'PUT', contestant: 'weft', unit: '/s', better: 'more' } as const;

test('medians, and ratios of rounds that belong together', (t) => {
  t.is(median([3, 1, 2]), 2);
  t.is(median([4, 1, 2, 3]), 2.5);
  t.is(pairedRatio([2, 40, 600], [1, 10, 100]), 4);
});

test('rounds of the same figure come together in their order, others stay apart', (t) => {
  const rounds = new Rounds();
  rounds.add(figure, 2);
  rounds.add({ ...figure, contestant: 'etcd' }, 9);
  rounds.add({ ...figure, unit: 'ms (p50)' }, 5);
  rounds.add({ ...figure, variant: '1 connection' }, 7);
  rounds.add(figure, 1);
  t.deepEqual(
    rounds.measurements.map(({ values }) => values),
    [[2, 1], [9], [5], [7]],
  );
  t.like(rowsOf(rounds.measurements)[0], { median: '1.5', range: '1–2', contestant: 'weft' });
});

test('what is no number is refused with the name of the figure', (t) => {
  t.throws(() => new Rounds().add(figure, Number.NaN), { message: /api \| put .* gave no number: NaN/ });
});
