import test from 'ava';
import { Rounds } from '../../kernel/bench/measurement.ts';
import { addBoot, addLoad } from './services-figures.ts';

const ms = { p50: 1, p90: 2, p99: 3, p999: 4, max: 5 };
const load = { case: 'dns', title: 'DNS', variant: 'at 100/s', ms, seconds: 10 };

test('a load tells its rate, its waits, what was not answered and who took the CPU', (t) => {
  const rounds = new Rounds();
  const share = (name: string, cores: number) => ({ name, cores, cpuSeconds: cores * 10, bytesBefore: 0, bytesAfter: 0 });
  addLoad(rounds, {
    ...load,
    rate: 99,
    target: 100,
    targetP99: 20,
    begun: 1000,
    answered: 990,
    shares: [share('dns', 0.5), share('network', 0)],
  });
  t.deepEqual(
    rounds.measurements.map(({ unit, values, target }) => [unit, values[0], target]),
    [
      ['/s', 99, 100],
      ['ms (median)', 1, undefined],
      ['ms (99 %)', 3, 20],
      ['% unanswered', 1, undefined],
      ['% of a core: dns', 50, undefined],
    ],
  );
});

test('a start of many clients is over when the last has its address', (t) => {
  const rounds = new Rounds();
  addBoot(rounds, { ...load, begun: 256, answered: 256, seconds: 0.5 });
  t.like(rounds.measurements[0], { unit: 's', values: [0.5], target: 2 });
  t.throws(() => addBoot(rounds, { ...load, begun: 256, answered: 255, seconds: 0.5 }), { message: /255 of 256/ });
});
