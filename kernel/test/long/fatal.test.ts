/** A kernel that must end itself does so at once, also in the middle of writes: LMDB would have its `process.exit` wait for ever, now and then. */
import test from 'ava';
import { House, pause } from '../robustness/house.ts';
import { Http } from '../robustness/http.ts';

const rounds = 25;
const writers = 4;

test('a fatal error ends the kernel within moments, whatever it is writing', async (t) => {
  t.timeout(180_000);
  const house = new House({ withPlugins: false, failpoints: () => 'bus.before-key=throw@2' });
  t.teardown(() => house.close());
  await house.open();
  const http = Array.from({ length: writers }, () => new Http(house.apiSocket));
  const names = http.map((_, index) => `w${index}`);
  const objects = names.map((name) => ({ kind: 'Token', metadata: { name } }));
  await http[0]?.must({ method: 'POST', path: '/v1/apply', body: { objects } });
  const write = async (client: Http, index: number): Promise<void> => {
    for (;;) {
      const answer = await Promise.race([client.ask({ method: 'POST', path: `/v1/tokens/${names[index]}/issue` }), pause(10_000)]);
      if (answer === undefined) throw new Error(`the kernel hangs after ${house.ends.length} ends`);
      if (answer.is !== 'answered') await house.up();
    }
  };
  const end = async (): Promise<void> => {
    for (let round = 0; house.ends.length < rounds; round += 1) {
      await house.up();
      await pause(50 + 7 * round);
      house.announce();
    }
  };
  await t.notThrowsAsync(Promise.race([end(), Promise.all(http.map(write))]));
  for (const client of http) client.close();
});
