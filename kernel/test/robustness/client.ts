/** One client: asks one thing after the other, and writes down what it saw and when. */
import type { Memory } from './generator.ts';
import type { House } from './house.ts';
import { type Answer, Http } from './http.ts';
import { ask, type Operation } from './operations.ts';
import { type Record, resultOf } from './record.ts';

/** Counts moments of all clients of one history. */
export class Moments {
  #now = 0;

  next(): number {
    this.#now += 1;
    return this.#now;
  }
}

export class Client {
  readonly records: Record[] = [];
  readonly #house: House;
  readonly #http: Http;
  readonly #subject: string;
  readonly #moments: Moments;
  readonly #revisions = new Map<string, number>();
  /** Shared by all clients: somebody else may decide. */
  readonly #trials: number[];
  readonly #base: number;
  #latest: number;

  constructor(
    house: House,
    who: { readonly subject: string; readonly token: string },
    moments: Moments,
    trials: number[],
    base: number,
    latest: number,
  ) {
    this.#house = house;
    this.#subject = who.subject;
    this.#http = new Http(house.apiSocket, who.token);
    this.#moments = moments;
    this.#trials = trials;
    this.#base = base;
    this.#latest = latest;
  }

  get memory(): Memory {
    return { revisions: this.#revisions, trials: this.#trials, base: this.#base, latest: this.#latest };
  }

  async do(operation: Operation): Promise<void> {
    const call = this.#moments.next();
    const answer = await this.#http.ask(ask(operation));
    const returned = this.#moments.next();
    const result = resultOf({ answer, operation });
    const open = result.is === 'unknown' || result.is === 'nothing';
    this.records.push({ subject: this.#subject, operation, call, returned: open ? Number.POSITIVE_INFINITY : returned, answer });
    this.#learn(answer, operation);
    if (answer.is !== 'answered') await this.#house.up();
  }

  close(): void {
    this.#http.close();
  }

  #learn(answer: Answer, operation: Operation): void {
    const result = resultOf({ answer, operation });
    const objects =
      result.is === 'object'
        ? [result.object]
        : result.is === 'list'
          ? result.items
          : result.is === 'applied'
            ? result.results.flatMap(({ after }) => after ?? [])
            : [];
    for (const { kind, metadata } of objects) {
      if (metadata.revision === 0) continue;
      this.#revisions.set(`${kind}/${metadata.name}`, metadata.revision);
      this.#latest = Math.max(this.#latest, metadata.revision);
    }
    if (result.is === 'applied' && result.trial !== undefined) this.#trials.push(result.trial.to);
  }
}
