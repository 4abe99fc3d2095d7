import test from 'ava';
import { parseNotes } from './notes.ts';
import { chosenParts, parts } from './parts.ts';
import { cpuTime, stolenShare } from './quiet.ts';
import { checkMeasurements } from './result.ts';
import { measurements } from './test/figures.ts';

test('figures of a program are believed only when they have all that the page needs', (t) => {
  t.is(checkMeasurements(measurements, 'a.json').length, measurements.length);
  const [good] = measurements;
  const refused = (value: unknown, message: RegExp) => t.throws(() => checkMeasurements(value, 'a.json'), { message });
  refused({}, /a\.json holds no list/);
  refused([null], /measurement 0 is no object/);
  refused([good, { ...good, unit: undefined }], /measurement 1 has no text "unit"/);
  refused([{ ...good, better: 'up' }], /neither "more" nor "less"/);
  refused([{ ...good, values: [] }], /no list of numbers/);
  refused([{ ...good, values: [1, null] }], /no list of numbers/);
});

test('parts are chosen by name, in the order of a whole run', (t) => {
  t.deepEqual(chosenParts(undefined), parts);
  t.deepEqual(
    chosenParts('store, walk').map(({ name }) => name),
    ['walk', 'store'],
  );
  t.throws(() => chosenParts('walk,wlak'), { message: /no part "wlak": choose from packets, walk/ });
});

test('a run of all parts fits its time: 30 minutes, quick 5', (t) => {
  t.true(parts.reduce((sum, { seconds }) => sum + seconds.full, 0) <= 1_800);
  t.true(parts.reduce((sum, { seconds }) => sum + seconds.quick, 0) <= 300);
});

test('stolen time is the eighth field of the first line', (t) => {
  const before = cpuTime('cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 1 1 1\n');
  const after = cpuTime('cpu  150 0 100 830 0 0 0 20 7 0\n');
  t.deepEqual(before, { all: 1_000, stolen: 0 });
  t.is(stolenShare(before, after), 0.2);
  t.is(stolenShare(before, before), 0);
});

test('notes are cut at their headings, not within fences', (t) => {
  const sections = parseNotes('Top.\n\n## one\nFirst.\n```\n## not this\n```\n## two three\n\nSecond.\n');
  t.deepEqual(
    [...sections],
    [
      ['', 'Top.'],
      ['one', 'First.\n```\n## not this\n```'],
      ['two three', 'Second.'],
    ],
  );
});
