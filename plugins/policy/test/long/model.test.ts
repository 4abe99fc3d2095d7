/** A million packets and ten thousand changes of rules: the forwarder, and the compiler before it, against the model. WEFT_SEED: the first seed. */
import test from 'ava';
import { findDifference } from '../oracle/differences.ts';
import type { Size } from '../oracle/random-scenario.ts';

const first = Number(process.env.WEFT_SEED ?? Date.now() % 1_000_000);

/** Scenarios that differ, in words. */
async function differencesOf(scenarios: number, size: Size): Promise<readonly string[]> {
  const found: string[] = [];
  for (let seed = first; seed < first + scenarios && found.length < 3; seed++) {
    const difference = await findDifference(seed, size);
    if (difference) found.push(difference);
  }
  return found;
}

const sizes: readonly { readonly what: string; readonly scenarios: number; readonly size: Size }[] = [
  { what: 'packets by rules', scenarios: 250, size: { packets: 2000 } },
  { what: 'packets by objects', scenarios: 250, size: { packets: 2000, fromObjects: true } },
  { what: 'changes of rules', scenarios: 50, size: { packets: 800, changes: 115 } },
  { what: 'changes of objects', scenarios: 50, size: { packets: 800, changes: 115, fromObjects: true } },
];

for (const { what, scenarios, size } of sizes) {
  test(`${scenarios} scenarios of ${what} from WEFT_SEED=${first} on: no difference`, async (t) => {
    const differences = await differencesOf(scenarios, size);
    t.deepEqual(differences, [], differences.join('\n\n'));
  });
}
