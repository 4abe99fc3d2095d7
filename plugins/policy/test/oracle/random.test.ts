import { existsSync } from 'node:fs';
import test from 'ava';
import { findDifference } from './differences.ts';
import { oracleProgram } from './oracle.ts';

const fixed = [1, 2, 3, 5, 7];
const drawn = Number(process.env.WEFT_SEED ?? Date.now() % 1_000_000);

test('the oracle is built', (t) => {
  t.true(existsSync(oracleProgram), `${oracleProgram} is missing: make -C forwarder oracle`);
});

for (const seed of [...fixed, drawn]) {
  test.serial(`model and forwarder agree on scenario ${seed} (WEFT_SEED)`, async (t) => {
    const difference = await findDifference(seed, { packets: 300 });
    t.is(difference, undefined, difference);
  });

  test.serial(`model and forwarder agree on what objects of scenario ${seed} (WEFT_SEED) are compiled to`, async (t) => {
    const difference = await findDifference(seed, { packets: 300, fromObjects: true });
    t.is(difference, undefined, difference);
  });
}
