/** A client that watches, and comes back where it was when the kernel dies. */
import type { ObjectEvent } from '../../contract/system/index.ts';
import type { Moments } from './client.ts';
import { type House, pause } from './house.ts';
import { Http } from './http.ts';
import type { WatchRecord } from './record.ts';

export class Watcher {
  readonly record: WatchRecord;
  readonly #house: House;
  readonly #http: Http;
  readonly #moments: Moments;
  readonly #abort = new AbortController();
  readonly #running: Promise<void>;
  /** Why it ended by itself. */
  #error: string | null = null;

  /** @param kinds null: all */
  constructor(house: House, since: number, kinds: readonly string[] | null, moments: Moments) {
    this.record = { since, kinds: kinds ?? [], heard: [] };
    this.#house = house;
    this.#http = new Http(house.apiSocket);
    this.#moments = moments;
    this.#running = this.#run();
  }

  /** Resolves when it has heard a revision, or all before it that concern it. @throws when that does not come */
  async reached(revision: number): Promise<void> {
    for (const end = Date.now() + 10_000; this.#last() < revision; await pause(5)) {
      if (this.#error !== null) throw new Error(`a watch ended: ${this.#error}`);
      if (Date.now() > end) return;
    }
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  #last(): number {
    return this.record.heard.at(-1)?.event.revision ?? this.record.since;
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted && this.#error === null) {
      await this.#house.up();
      const { kinds } = this.record;
      const query = `since=${this.#last()}${kinds.length === 0 ? '' : `&kinds=${kinds.join(',')}`}`;
      let rest = '';
      for await (const chunk of this.#http.stream(`/v1/watch?${query}`, signal)) {
        const parts = (rest + chunk).split('\n\n');
        rest = parts.pop() ?? '';
        for (const part of parts) this.#hear(part);
      }
      // any other refusal passes
      if (rest.includes('REVISION_GONE')) this.#error = rest;
      if (!signal.aborted) await pause(5);
    }
  }

  #hear(part: string): void {
    const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(part)?.[1] ?? '';
    const type = field('event');
    // the failpoints throw inside of streams, too: the client comes back
    if (type === '' || type === 'error') return;
    const event = { revision: Number(field('id')), type, object: JSON.parse(field('data')) } as ObjectEvent;
    this.record.heard.push({ event, at: this.#moments.next() });
  }
}
