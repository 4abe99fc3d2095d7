/** One thing at a time, in order of asking. */
import { fail } from '../../contract/system/index.ts';

/** Requests that may wait; more would only wait in vain. */
const maxWaiting = 1_024;

export class Serial {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** @throws BUS_OVERLOADED when too many wait already */
  run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= maxWaiting)
      return Promise.reject(fail('BUS_OVERLOADED', `more than ${maxWaiting} writes are waiting`, 'retry later'));
    this.#waiting += 1;
    const result = this.#last.then(work).finally(() => {
      this.#waiting -= 1;
    });
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Resolves when all that was asked so far is done. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
