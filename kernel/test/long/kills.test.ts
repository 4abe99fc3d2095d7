/** 50 kills in the middle of 10,000 writes: nothing acknowledged is lost, nothing is half there. */
import test from 'ava';
import type { WeftObject } from '../../contract/system/index.ts';
import { failpoints } from '../../src/failpoints/index.ts';
import { choose, randomFrom } from '../robustness/generator.ts';
import { House, pause } from '../robustness/house.ts';
import { Http } from '../robustness/http.ts';

const writes = 10_000;
const clients = 16;
const kills = 50;
/** Objects of one write. */
const together = 3;
const lethal = failpoints.filter((name) => /^(store|apply|admit)\./.test(name) && !name.includes('setting') && !name.includes('status'));

/** Of one client: rewrites three projects at a time, all with the same number. */
class Writer {
  /** Highest number that was acknowledged, with its revision, by set of projects. */
  readonly acknowledged = new Map<string, { readonly number: number; readonly revision: number }>();
  /** Highest number that was sent, by set. */
  readonly sent = new Map<string, number>();
  lost = 0;
  readonly #house: House;
  readonly #http: Http;
  readonly #name: string;

  constructor(house: House, name: string) {
    this.#house = house;
    this.#http = new Http(house.apiSocket);
    this.#name = name;
  }

  /** @returns whether it was acknowledged */
  async write(number: number): Promise<boolean> {
    const set = `${this.#name}-${number % 5}`;
    const objects = Array.from({ length: together }, (_, index) => {
      return { kind: 'Project', metadata: { name: `${set}-${index}` }, spec: { description: String(number) } };
    });
    this.sent.set(set, number);
    const answer = await this.#http.ask({ method: 'POST', path: '/v1/apply', body: { objects } });
    if (answer.is === 'answered' && answer.status === 200) {
      this.acknowledged.set(set, { number, revision: (answer.body as { revision: number }).revision });
      return true;
    }
    this.lost += 1;
    await this.#house.up();
    return false;
  }

  close(): void {
    this.#http.close();
  }
}

test('50 kills in 10,000 writes lose no acknowledged write and leave none half there', async (t) => {
  t.timeout(900_000);
  const random = randomFrom(7);
  let begun = 0;
  let killed = 0;
  // every second death at a failpoint, the others whenever it is
  const house = new House({
    withPlugins: false,
    failpoints: () => (killed < kills && random() < 0.5 ? `${choose(random, lethal)}=kill@${5 + Math.floor(random() * 100)}` : ''),
  });
  t.teardown(() => house.close());
  await house.open();
  const team = Array.from({ length: clients }, (_, index) => new Writer(house, `w${index}`));
  let acknowledged = 0;
  const killer = async (): Promise<void> => {
    for (; acknowledged < writes; await pause(20)) {
      killed = house.ends.length;
      // spread over all of the writes
      if (killed < kills && acknowledged > ((killed + 1) * writes) / (kills + 2)) {
        await pause(Math.floor(random() * 40));
        house.killKernel();
        await house.up();
      }
    }
  };
  const work = async (writer: Writer): Promise<void> => {
    while (acknowledged < writes) {
      begun += 1;
      if (await writer.write(begun)) acknowledged += 1;
    }
  };
  await Promise.all([killer(), ...team.map(work)]);
  await house.up();
  const http = new Http(house.apiSocket);
  const { items } = await http.must<{ items: WeftObject[] }>({ method: 'GET', path: '/v1/projects' });
  const history = await http.must<{ items: { revision: number; transaction: number }[] }>({
    method: 'GET',
    path: '/v1/history?limit=10000',
  });
  t.log({ acknowledged, kills: house.ends.length, atFailpoints: house.fired.length, lost: team.reduce((sum, { lost }) => sum + lost, 0) });
  t.true(house.ends.length >= kills);
  const found = new Map(
    items.map(({ metadata, spec }) => [metadata.name, { number: Number(spec.description), revision: metadata.revision }]),
  );
  for (const writer of team) {
    for (const [set, sent] of writer.sent) {
      const parts = Array.from({ length: together }, (_, index) => found.get(`${set}-${index}`));
      const numbers = new Set(parts.map((part) => part?.number));
      t.is(numbers.size, 1, `${set} is whole: ${[...numbers]}`);
      const [number = 0] = numbers;
      const last = writer.acknowledged.get(set);
      if (last === undefined) continue;
      t.true(number >= last.number && number <= sent, `${set}: ${number} is there, ${last.number} was acknowledged, ${sent} sent`);
      if (number === last.number) t.is(parts.at(-1)?.revision, last.revision, `${set} has the revision that was told`);
    }
  }
  const revisions = history.items.map(({ revision }) => revision);
  t.true(
    revisions.every((revision, at) => at === 0 || revision === (revisions[at - 1] ?? 0) - 1),
    'revisions are without a gap',
  );
  http.close();
  for (const writer of team) writer.close();
});
