/** What a fake tells those who watch: everything, in order. */
export class Feed<T> {
  readonly #listeners = new Set<(item: T) => void>();

  get listeners(): number {
    return this.#listeners.size;
  }

  tell(item: T): void {
    for (const listener of this.#listeners) listener(item);
  }

  /** `first`, then what is told until the signal aborts. */
  async *follow(first: T, signal: AbortSignal): AsyncGenerator<T> {
    const waiting = [first];
    let wake: () => void = () => undefined;
    const listener = (item: T): void => {
      waiting.push(item);
      wake();
    };
    this.#listeners.add(listener);
    const stop = (): void => wake();
    signal.addEventListener('abort', stop, { once: true });
    try {
      while (!signal.aborted) {
        const item = waiting.shift();
        if (item !== undefined) yield item;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    } finally {
      signal.removeEventListener('abort', stop);
      this.#listeners.delete(listener);
    }
  }
}
