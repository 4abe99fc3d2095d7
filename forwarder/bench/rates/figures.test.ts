import test from 'ava';
import { Figures, ratesTable, type Subject, short } from './figures.ts';

const subject: Subject = { group: 'rates', case: 'c', title: 'Things', variant: '1 k', unit: '/s', better: 'more' };

test('rounds of one subject are one measurement', (t) => {
  const figures = new Figures();
  figures.add(subject, 1);
  figures.add({ ...subject, contestant: 'linux' }, 7);
  figures.add({ ...subject, note: 'last' }, 3);
  const [weft, linux] = figures.measurements();
  t.like(weft, { contestant: 'weft', values: [1, 3], note: 'last' });
  t.like(linux, { contestant: 'linux', values: [7] });
});

test('what is no number is refused with its name', (t) => {
  t.throws(() => new Figures().add(subject, Number.NaN), { message: 'Things, 1 k: NaN is no figure' });
});

test('a line says median, range and whether the target is met', (t) => {
  const line = (values: number[], target?: number): string =>
    ratesTable([{ ...subject, contestant: 'weft', values, ...(target === undefined ? {} : { target }) }]);
  t.is(line([3_000_000, 1_000_000, 20_000]), 'Things, 1 k  weft  1.00 M /s  20 k–3.00 M');
  t.is(line([5], 4), 'Things, 1 k  weft  5.00 /s    ≥ 4.00 met');
  t.is(line([3], 4), 'Things, 1 k  weft  3.00 /s    ≥ 4.00 MISSED');
});

test('sizes in few letters', (t) => {
  t.deepEqual([1, 256, 1_000, 100_000, 1_000_000].map(short), ['1', '256', '1 k', '100 k', '1 M']);
});
