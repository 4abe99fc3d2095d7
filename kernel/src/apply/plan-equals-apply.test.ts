import test from 'ava';
import { makeChangesTwice } from './test/random-changes.ts';

test('a dry run says what the change then does, errors included: 1,000 random changes', async (t) => {
  t.deepEqual(await makeChangesTwice(10, 100), []);
});
