import test from 'ava';
import { parseCounters } from './counters.ts';
import { figures } from './sample.ts';

const l3 = { scenario: { kind: 'l3', routes: 1000, family: 4 }, traffic: { flows: 1000 } } as const;
const stateful = { scenario: { kind: 'stateful' }, traffic: { flows: 1000 } } as const;

interface Words {
  readonly received: number;
  readonly sent: number;
  readonly tsc: number;
  readonly harness?: readonly [packets: number, cycles: number];
  readonly excluded?: number;
  readonly back?: number;
}

function counters({ received, sent, tsc, harness = [0, 0], excluded = 0, back = 0 }: Words) {
  const bytes = Buffer.alloc(4096 + 4 * 8192);
  bytes.write('WLOAD001');
  const put = (offset: number, value: number) => bytes.writeBigUInt64LE(BigInt(value), offset);
  put(8, 2_000_000_000);
  put(256, received);
  put(256 + 8, back);
  put(256 + 16, tsc);
  put(256 + 24, harness[0]);
  put(256 + 32, harness[1]);
  put(256 + 40, excluded);
  put(256 + 48, harness[0] / 100);
  put(256 + 56, harness[0] / 1_000);
  put(512, back);
  put(512 + 8, sent);
  const parsed = parseCounters(bytes);
  if (parsed === undefined) throw new Error('counters of a test are cut short');
  return parsed;
}

const before = counters({ received: 1_000, sent: 900, tsc: 5_000, excluded: 50, harness: [1_000, 40_000] });

test('cycles of the window without what the load did for itself, per packet that came out', (t) => {
  const after = counters({ received: 11_000, sent: 10_900, tsc: 1_055_000, excluded: 50_050, harness: [3_000, 100_000] });
  const sample = figures(l3, before, after);
  t.is(sample.grossCycles, 100);
  t.is(sample.harnessCycles, 30);
  t.is(sample.netCycles, 70);
  t.is(sample.mpps, 20);
  t.is(sample.calibration, 10);
});

test('what is turned round counts in both directions', (t) => {
  const after = counters({ received: 11_000, sent: 10_900, tsc: 1_055_000, excluded: 50_050, harness: [3_000, 100_000], back: 10_000 });
  t.is(figures(stateful, before, after).grossCycles, 50);
});

test('packets that did not come out spoil the sample', (t) => {
  const after = counters({ received: 11_000, sent: 9_000, tsc: 1_055_000, harness: [3_000, 100_000] });
  t.throws(() => figures(l3, before, after), { message: 'only 8100 of 10000 packets came out' });
  t.throws(() => figures(l3, before, before), { message: /^nothing came out/ });
});

test('a window in which the load did not measure itself is none', (t) => {
  const after = counters({ received: 11_000, sent: 10_900, tsc: 1_055_000, harness: [1_000, 40_000] });
  t.throws(() => figures(l3, before, after), { message: /did not measure itself/ });
});
