/** Wakes all who wait, once. A wait that begins before the raise is never missed. */
export class Notice {
  #waiters = new Set<() => void>();

  /** Resolves at the next raise, or when `signal` aborts. */
  wait(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted === true) return resolve();
      const done = (): void => {
        this.#waiters.delete(done);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      this.#waiters.add(done);
      signal?.addEventListener('abort', done);
    });
  }

  raise(): void {
    for (const wake of [...this.#waiters]) wake();
  }
}
