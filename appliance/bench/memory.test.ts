import test from 'ava';
import { Rounds } from '../../kernel/bench/measurement.ts';
import { percentile, portsTitle } from './extent.ts';
import { addMemory, growth, heldIn } from './memory.ts';

const rollup = `55b6a7f4e000-7ffd7b9d2000 ---p 00000000 00:00 0    [rollup]
Rss:                1000 kB
Pss:                 400 kB
Pss_Dirty:           300 kB
`;

test('memory is read in bytes, and what is missing is said', (t) => {
  t.deepEqual(heldIn('kernel', rollup), { name: 'kernel', pss: 409_600, rss: 1_024_000 });
  t.throws(() => heldIn('kernel', 'Rss: 1 kB\n'), { message: 'the memory of kernel has no Pss' });
});

test('growth is what was added, by port', (t) => {
  const held = (kernel: number, forwarder: number, network: number, dns: number) =>
    Object.entries({ kernel, forwarder, network, dns }).map(([name, pss]) => ({ name, pss, rss: 0 }));
  t.deepEqual(growth(held(1_000, 2_000, 3_000, 500), held(3_000, 2_500, 3_000, 700), 10), [
    ['kernel', 200],
    ['forwarder', 50],
    ['network', 0],
    ['together', 270],
  ]);
});

test('a process that is missing is no growth of zero', (t) => {
  const [kernel] = growth([], [{ name: 'kernel', pss: 5, rss: 5 }], 1);
  t.true(Number.isNaN(kernel?.[1]));
});

test('the sum of all processes is a line of its own', (t) => {
  const rounds = new Rounds();
  addMemory(rounds, [heldIn('kernel', rollup), heldIn('dns', rollup)], 1_000);
  const together = rounds.measurements.find(({ variant, unit }) => variant === 'together' && unit === 'MiB (PSS)');
  t.deepEqual(together?.values, [0.78125]);
  t.is(together?.title, 'Memory at idle, 1 k ports');
});

test('words and percentiles', (t) => {
  t.is(portsTitle(0), 'no ports');
  t.is(portsTitle(10_000), '10 k ports');
  t.is(percentile([5, 1, 9], 0.5), 5);
  t.throws(() => percentile([], 0.5), { message: /no values/ });
});
