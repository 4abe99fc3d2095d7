import test from 'ava';
import { compareCases, compareToolchain, makeBaseline, tolerance } from './baseline.ts';
import { type Count, plainName, readDump } from './callgrind.ts';

const toolchain = { gcc: '12.2.0', dpdk: '22.11.11', glibc: '2.36', march: 'x86-64-v3', valgrind: '3.19.0' };

const count = (functions: Record<string, number>, name = 'l3'): Count => ({
  case: name,
  title: 'L3',
  size: 1000,
  instructions: Object.values(functions).reduce((sum, value) => sum + value, 0),
  functions: new Map(Object.entries(functions)),
});

const before = makeBaseline('the first one', toolchain, [count({ parse: 100, route: 299.5, small: 0.5 })]);

/** The single finding about one case. */
function verdict(...counts: Count[]): { ok: boolean; text: string } {
  const [finding, ...others] = compareCases(before, counts);
  if (finding === undefined || others.length > 0) throw new Error('one finding was expected');
  return finding;
}

test('a count within the tolerance passes, above and below', (t) => {
  t.true(verdict(count({ parse: 100, route: 299.5, small: 0.5 })).ok);
  t.true(verdict(count({ parse: 100 + 400 * (tolerance - 0.001), route: 300 })).ok);
  t.true(verdict(count({ parse: 100 - 400 * (tolerance - 0.001), route: 300 })).ok);
});

test('growth beyond it fails, and says how much, in which functions and what to do', (t) => {
  const { ok, text } = verdict(count({ parse: 114, route: 299.5, added: 6.5, small: 1.4 }));
  t.false(ok);
  t.regex(text, /^l3: 421\.4 instructions per packet, \+5\.3 % against the recorded 400\.0/);
  t.regex(text, /most in parse \+14\.0 \(100\.0 → 114\.0\), added \+6\.5 \(0\.0 → 6\.5\);/);
  t.regex(text, /node forwarder\/bench\/walk\/instructions\.ts --record 'REASON'$/);
  t.notRegex(text, /small/, 'what was too small to be recorded did not grow');
});

test('so does getting cheaper: else the gain may be lost unseen', (t) => {
  const { ok, text } = verdict(count({ parse: 80, route: 300 }));
  t.false(ok);
  t.regex(text, /−5\.0 %.*parse −20\.0 \(100\.0 → 80\.0\).*became cheaper/);
});

test('a case without a record fails, and a record without a case', (t) => {
  const findings = compareCases(before, [count({ parse: 1 }, 'l2')]);
  t.deepEqual(
    findings.map(({ ok }) => ok),
    [false, false],
  );
  t.regex(findings[0]?.text ?? '', /^l2: .*none are recorded/);
  t.regex(findings[1]?.text ?? '', /^l3: is recorded but was not counted/);
});

test('another compiler or DPDK fails by name and version', (t) => {
  t.true(compareToolchain(before, toolchain).ok);
  const { ok, text } = compareToolchain(before, { ...toolchain, gcc: '13.1.0', march: '' });
  t.false(ok);
  t.regex(text, /because gcc is 13\.1\.0 here and was 12\.2\.0, march is none here and was x86-64-v3;.*--record/);
});

const dump = (total: number): string => `# callgrind format
positions: instr line
events: Ir

ob=/usr/lib/libc.so.6
fn=memcpy
0x152a80 264 10

ob=/build/bench-count
fl=walk.c
fn=count_walk
0xe560 57 5
cob=/usr/lib/libc.so.6
cfn=memcpy
calls=2 0x152a80 264
0xe562 58 10
fi=parse.c
0xe564 61 7
totals: ${total}
`;

test('a dump: what a line costs by itself, in its own object', (t) => {
  t.deepEqual(readDump(dump(22)), [
    { object: '/usr/lib/libc.so.6', symbol: 'memcpy', address: '0x152a80', instructions: 10 },
    { object: '/build/bench-count', symbol: 'count_walk', address: '0xe560', instructions: 5 },
    { object: '/build/bench-count', symbol: 'count_walk', address: '0xe564', instructions: 7 },
  ]);
});

test('a dump that does not add up, or counts nothing, is refused', (t) => {
  t.throws(() => readDump(dump(23)), { message: /counted 23 instructions, its lines say 22/ });
  t.throws(() => readDump('totals: 0\n'), { message: /not understood/ });
});

test("names without the compiler's endings", (t) => {
  t.is(plainName('walk.constprop.0.cold'), 'walk');
  t.is(plainName('find_egress.lto_priv.0'), 'find_egress');
  t.is(plainName('memcpy'), 'memcpy');
});
