/** Back to any retained revision, after random histories: the objects are what they were, and the plugins know it. */
import test from 'ava';
import { Chronicle } from '../robustness/chronicle.ts';
import { Client, Moments } from '../robustness/client.ts';
import { below, Generator, randomFrom } from '../robustness/generator.ts';
import { House, pause } from '../robustness/house.ts';
import { Http } from '../robustness/http.ts';
import type { World } from '../robustness/model.ts';
import { Observer } from '../robustness/observer.ts';

const operations = 150;
const rollbacks = 40;

/** What users wrote: statuses and uids are made anew. */
function wishes(world: World): string[] {
  return [...world].map(([id, { spec }]) => `${id} ${JSON.stringify(Object.entries(spec).toSorted())}`).toSorted();
}

test('a rollback to any retained revision brings the objects back, and all plugins follow', async (t) => {
  t.timeout(300_000);
  const random = randomFrom(11);
  const house = new House();
  t.teardown(() => house.close());
  await house.open();
  const observer = new Observer(house);
  const [who] = await observer.admit(['c0']);
  if (who === undefined) throw new Error('nobody was admitted');
  const chronicle = new Chronicle(await observer.revision());
  const client = new Client(house, who, new Moments(), [], chronicle.base, chronicle.base);
  const generator = new Generator(random, 'r', []);
  for (let left = operations; left > 0; left -= 1) await client.do(generator.next(client.memory));
  const http = new Http(house.apiSocket);
  const settled = async (): Promise<World> => {
    for (const end = Date.now() + 20_000; ; await pause(20)) {
      await observer.extend(chronicle);
      const world = chronicle.world(chronicle.worlds.length - 1);
      const missing = await observer.unconverged(world);
      if (missing.length === 0) return world;
      if (Date.now() > end) throw new Error(missing.join('\n'));
    }
  };
  await settled();
  for (let left = rollbacks; left > 0; left -= 1) {
    const number = below(random, chronicle.worlds.length);
    const revision = chronicle.revisionAt(number);
    await http.must({ method: 'POST', path: `/v1/rollback?revision=${revision}` });
    t.deepEqual(wishes(await settled()), wishes(chronicle.world(number)), `back to ${revision}`);
    if (left % 10 === 0) house.killKernel();
    await house.whole();
  }
  t.true(chronicle.worlds.length > 60);
  client.close();
  http.close();
});
