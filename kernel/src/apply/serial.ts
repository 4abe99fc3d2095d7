/** One thing at a time, in order of asking. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { fail } from '../../contract/system/index.ts';

/** Requests that may wait; more would only wait in vain. */
const maxWaiting = 1_024;

const waits = new AsyncLocalStorage<{ ms: number }>();

/** Does work, and says in the end how long it took, ms: without what it waited in a `Serial` for the work of others. */
export async function onAccount<T>(work: () => T | Promise<T>, spend: (ms: number) => void): Promise<T> {
  const waited = { ms: 0 };
  const began = performance.now();
  try {
    return await waits.run(waited, work);
  } finally {
    spend(performance.now() - began - waited.ms);
  }
}

export class Serial {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** @throws BUS_OVERLOADED when too many wait already */
  run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= maxWaiting)
      return Promise.reject(fail('BUS_OVERLOADED', `more than ${maxWaiting} writes are waiting`, 'retry later'));
    this.#waiting += 1;
    const waited = waits.getStore();
    const asked = performance.now();
    const begin = (): Promise<T> => {
      if (waited !== undefined) waited.ms += performance.now() - asked;
      return work();
    };
    const result = this.#last.then(begin).finally(() => {
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
