import test from 'ava';
import { makeChangesTwice } from '../../src/apply/test/random-changes.ts';

test('a dry run says what the change then does, errors included: 10,000 random changes', async (t) => {
  t.timeout(600_000);
  t.deepEqual(await makeChangesTwice(100, 100), []);
});
