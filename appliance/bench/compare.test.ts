import test from 'ava';
import { compareRuns, comparisonTable, disagrees } from './compare.ts';
import { cycles, mpps, result } from './test/figures.ts';

const run = (...measurements: Parameters<typeof compareRuns>[0]['measurements']) => ({ ...result, measurements });
const before = run(mpps('weft', [30, 30]), mpps('ovs', [10, 10]), cycles('weft', [60]), cycles('ovs', [180]));

test('absolute figures may drift as long as their ratios stay', (t) => {
  const slower = run(mpps('weft', [15, 12]), mpps('ovs', [5, 4]), cycles('weft', [100]), cycles('ovs', [300]));
  const { changes, missing } = compareRuns(before, slower);
  t.deepEqual(missing, []);
  t.deepEqual(
    changes.map(({ what, first, second, change }) => [what, first, second, change]),
    [
      ['L3, 1,000 /24 routes, Mpps: Weft / OVS-DPDK', 3, 3, 0],
      ['L3, 1,000 /24 routes, net cycles: Weft / OVS-DPDK', 3, 3, 0],
    ],
  );
  t.false(changes.some(disagrees));
});

test('a ratio that moved more than 5 % in either direction disagrees', (t) => {
  const {
    changes: [more],
  } = compareRuns(before, run(mpps('weft', [32]), mpps('ovs', [10])));
  t.true(more !== undefined && disagrees(more));
  const {
    changes: [less],
  } = compareRuns(before, run(mpps('weft', [28]), mpps('ovs', [10])));
  t.true(less !== undefined && disagrees(less));
  const {
    changes: [within],
  } = compareRuns(before, run(mpps('weft', [31]), mpps('ovs', [10])));
  t.true(within !== undefined && !disagrees(within));
  t.regex(comparisonTable(more === undefined ? [] : [more]), /\+6\.7 % \| differs/);
});

test('net cycles of a bare limit are no measure, and groups can be chosen', (t) => {
  const limit = run(mpps('weft', [30]), mpps('testpmd', [80]), cycles('weft', [60]), cycles('testpmd', [4]));
  t.deepEqual(
    compareRuns(limit, limit).changes.map(({ what }) => what),
    ['L3, 1,000 /24 routes, Mpps: Weft / testpmd'],
  );
  t.deepEqual(compareRuns(limit, limit, ['latency']).changes, []);
  t.is(compareRuns(limit, limit, ['latency', 'packets']).changes.length, 1);
});

test('what is on record is not compared, and what only one run has is named', (t) => {
  const recorded = run(
    mpps('weft', [30]),
    mpps('ovs', [5], { recorded: 'elsewhere' }),
    mpps('weft', [9], { case: 'l2' }),
    mpps('ovs', [9], { case: 'l2' }),
  );
  const { changes, missing } = compareRuns(before, recorded);
  t.deepEqual(changes, []);
  t.deepEqual(missing, [
    'L3, 1,000 /24 routes, Mpps: Weft / OVS-DPDK',
    'L3, 1,000 /24 routes, net cycles: Weft / OVS-DPDK',
    'L3, 1,000 /24 routes, Mpps: Weft / OVS-DPDK',
  ]);
});
