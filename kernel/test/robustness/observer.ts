/** The test's own eyes: prepares the house, reads the log at rest, and sees whether plugins know the world. It asks again until it is answered. */
import { isDeepStrictEqual } from 'node:util';
import type { ObjectEvent, WeftObject } from '../../contract/system/index.ts';
import { type Chronicle, type HistoryItem, thingOf } from './chronicle.ts';
import { Moments } from './client.ts';
import { sameThings } from './comparison.ts';
import { type House, pause } from './house.ts';
import { type Ask, Http } from './http.ts';
import type { World } from './model.ts';
import { Watcher } from './watcher.ts';

const spare = 'spare';
const patienceMs = 30_000;

export class Observer {
  readonly #house: House;
  readonly #http: Http;

  constructor(house: House) {
    this.#house = house;
    this.#http = new Http(house.apiSocket);
  }

  /** Makes clients known, with all rights, and a token that nobody uses. */
  async admit(names: readonly string[]): Promise<{ subject: string; token: string }[]> {
    const objects = [...names, spare].map((name) => ({ kind: 'Token', metadata: { name } }));
    const spec = { role: 'admin', everywhere: true, subjects: names.map((name) => `token:${name}`) };
    await this.#insist({
      method: 'POST',
      path: '/v1/apply',
      body: { objects: [...objects, { kind: 'Role', metadata: { name: 'all' }, spec }] },
    });
    return await Promise.all(
      names.map(async (name) => {
        const { token } = await this.#insist<{ token: string }>({ method: 'POST', path: `/v1/tokens/${name}/issue` });
        return { subject: `token:${name}`, token };
      }),
    );
  }

  /** Has the kernel write one of its own settings; it may fail. */
  async keepSetting(): Promise<void> {
    await this.#http.ask({ method: 'POST', path: `/v1/tokens/${spare}/issue` });
  }

  async revision(): Promise<number> {
    return (await this.#insist<{ revision: number }>({ method: 'GET', path: '/v1/history?limit=1' })).revision;
  }

  /** Waits until nothing is on trial; those that could not be taken back are kept as they are. @returns these, with the reasons */
  async settleTrials(): Promise<Map<number, string>> {
    const failed = new Map<number, string>();
    for (const end = Date.now() + patienceMs; ; await pause(20)) {
      const { items } = await this.#insist<{ items: { to: number; failed?: string }[] }>({ method: 'GET', path: '/v1/trials' });
      for (const trial of items) {
        if (trial.failed === undefined) continue;
        failed.set(trial.to, trial.failed);
        await this.#http.ask({ method: 'POST', path: `/v1/trials/${trial.to}/confirm` });
      }
      if (items.length === 0) return failed;
      if (Date.now() > end) throw new Error(`still on trial: ${JSON.stringify(items)}`);
    }
  }

  /** Reads what was written since the chronicle ends. */
  async extend(chronicle: Chronicle): Promise<void> {
    const { revision, items } = await this.#insist<{ revision: number; items: HistoryItem[] }>({
      method: 'GET',
      path: '/v1/history?limit=2000&status=true',
    });
    if (revision === chronicle.last) return;
    const watcher = new Watcher(this.#house, chronicle.last, null, new Moments());
    await watcher.reached(revision);
    await watcher.close();
    const events = watcher.record.heard.map(({ event }): ObjectEvent => event).filter((event) => event.revision <= revision);
    chronicle.extend(events, items);
  }

  /** What plugins do not know, or have not counted. */
  async unconverged(world: World): Promise<string[]> {
    const things = [...world.values()];
    const problems: string[] = [];
    for (const plugin of ['shelf', 'tally']) {
      const reply = await this.#insist<{ objects: WeftObject[] }>({ method: 'POST', path: `/v1/-/operations/${plugin}.cache`, body: {} });
      const known = reply.objects.map((object) => thingOf({ object }));
      const own = plugin === 'shelf' ? things.filter(({ kind }) => kind !== 'Count') : things;
      if (!sameThings(known, own)) problems.push(`the plugin ${plugin} believes ${JSON.stringify(known)}, there is ${JSON.stringify(own)}`);
    }
    for (const count of things.filter(({ kind }) => kind === 'Count')) {
      const books = things.filter(({ kind, spec }) => kind === 'Book' && spec.shelf === count.spec.shelf).length;
      if (!isDeepStrictEqual(count.status, { books }))
        problems.push(`Count/${count.name} says ${JSON.stringify(count.status)}, there are ${books} books`);
    }
    return problems;
  }

  /** Until it is answered well. */
  async #insist<T>(ask: Ask): Promise<T> {
    for (const end = Date.now() + patienceMs; ; await pause(20)) {
      await this.#house.up();
      const answer = await this.#http.ask(ask);
      if (answer.is === 'answered' && answer.status < 300) return answer.body as T;
      if (Date.now() > end) throw new Error(`${ask.method} ${ask.path}: ${JSON.stringify(answer)}`);
    }
  }
}
