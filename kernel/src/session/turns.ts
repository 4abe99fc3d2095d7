/** Writes of one plugin: one after the other, and no more of the store's time in the long run than its share. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Budget } from '../../bus/index.ts';
import { fail } from '../../contract/system/index.ts';
import { onAccount } from '../apply/index.ts';

const writeShare = 0.15;
const writeBurstMs = 500;
const mostWaiting = 256;

export class Turns {
  readonly #budget: Budget;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(budget = new Budget({ share: writeShare, burstMs: writeBurstMs })) {
    this.#budget = budget;
  }

  /** Rejects with what `work` throws; with BUS_OVERLOADED when too many wait already. */
  run<T>(work: () => T | Promise<T>): Promise<T> {
    if (this.#waiting >= mostWaiting)
      return Promise.reject(fail('BUS_OVERLOADED', `${mostWaiting} writes wait already`, 'wait for the answers of some of them'));
    this.#waiting += 1;
    const done = this.#last.then(() => this.#paid(work)).finally(() => (this.#waiting -= 1));
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #paid<T>(work: () => T | Promise<T>): Promise<T> {
    for (let pause = this.#budget.pauseMs(); pause > 0; pause = this.#budget.pauseMs()) await sleep(pause);
    return await onAccount(work, (ms) => this.#budget.spend(ms));
  }
}
