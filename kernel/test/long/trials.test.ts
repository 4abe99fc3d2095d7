/** `apply --confirm` and a kernel that is killed at every step of it. */
import test from 'ava';
import { failpoints } from '../../src/failpoints/index.ts';
import { House, pause } from '../robustness/house.ts';
import { type Ask, Http } from '../robustness/http.ts';

const shelf = { kind: 'Shelf', metadata: { name: 'a' }, spec: { width: 1, mark: 'on trial' } };
const begin: Ask = { method: 'POST', path: '/v1/apply?confirm=1', body: { objects: [shelf] } };
/** Where a trial is taken back by itself, and where somebody decides. */
const reverting = failpoints.filter((name) => /^trial\.(over|.*revert)$/.test(name));
const deciding = failpoints.filter((name) => /^trial\..*decide$/.test(name));

class World {
  readonly house: House;
  readonly http: Http;
  #armed: string;

  constructor(armed: string) {
    this.#armed = armed;
    this.house = new House({
      failpoints: () => {
        const once = this.#armed;
        this.#armed = '';
        return once;
      },
    });
    this.http = new Http(this.house.apiSocket);
  }

  /** Asks until a kernel answers. */
  async get<T>(path: string): Promise<T | null> {
    for (;;) {
      await this.house.up();
      const answer = await this.http.ask({ method: 'GET', path });
      if (answer.is === 'answered') return answer.status === 200 ? (answer.body as T) : null;
    }
  }

  exists(): Promise<boolean> {
    return this.get('/v1/default/shelves/a').then((found) => found !== null);
  }

  async onTrial(): Promise<number> {
    return (await this.get<{ items: unknown[] }>('/v1/trials'))?.items.length ?? 0;
  }

  /** Whether it comes to pass. */
  async within(seconds: number, wanted: () => Promise<boolean>): Promise<boolean> {
    for (const end = Date.now() + 1_000 * seconds; Date.now() < end; await pause(50)) if (await wanted()) return true;
    return false;
  }

  async close(): Promise<void> {
    this.http.close();
    await this.house.close();
  }
}

test('a change on trial is taken back after the kernel was killed before it was over', async (t) => {
  t.timeout(120_000);
  const world = new World('');
  t.teardown(() => world.close());
  await world.house.open();
  await world.http.must(begin);
  t.true(await world.exists());
  world.house.killKernel();
  t.true(await world.within(60, async () => !(await world.exists())));
  t.is(await world.onTrial(), 0);
});

for (const name of reverting)
  test(`a change on trial is taken back once although the kernel is killed at ${name}`, async (t) => {
    t.timeout(120_000);
    const world = new World(`${name}=kill@1`);
    t.teardown(() => world.close());
    await world.house.open();
    await world.http.must(begin);
    t.true(await world.within(60, async () => !(await world.exists()) && (await world.onTrial()) === 0));
    t.deepEqual(world.house.fired, [`${name} kill`]);
    const history = await world.get<{ items: { type: string; subject: string }[] }>('/v1/history?kind=Shelf');
    t.deepEqual(
      history?.items.map(({ type, subject }) => [type, subject]),
      [
        ['deleted', 'system:kernel'],
        ['created', 'user:uid-0'],
      ],
    );
  });

for (const name of deciding)
  test(`a confirmation with the kernel killed at ${name} is wholly made, or not at all`, async (t) => {
    t.timeout(120_000);
    const world = new World(`${name}=kill@1`);
    t.teardown(() => world.close());
    await world.house.open();
    const { trial } = await world.http.must<{ trial: { to: number } }>({ ...begin, path: '/v1/apply?confirm=2' });
    const answer = await world.http.ask({ method: 'POST', path: `/v1/trials/${trial.to}/confirm` });
    t.is(answer.is, 'lost');
    t.deepEqual(world.house.fired, [`${name} kill`]);
    const kept = name === 'trial.after-decide';
    t.true(await world.within(60, async () => (await world.onTrial()) === 0));
    t.is(await world.exists(), kept);
    await pause(2_500);
    t.is(await world.exists(), kept, 'and so it stays');
  });
