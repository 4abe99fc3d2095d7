/** Values on their way to a peer that may be away: per key only the latest is kept, and sent in order of first mention when the way is open. */
import { toWeftError } from '../contract/system/errors.ts';

interface Entry<V> {
  value: V;
  readonly settle: { resolve(): void; reject(reason: unknown): void }[];
}

export class LatestQueue<V> {
  readonly #send: (values: readonly V[]) => Promise<void>;
  readonly #merge: (older: V, newer: V) => V;
  readonly #batch: number;
  #pending = new Map<string, Entry<V>>();
  #open = false;
  #running = false;

  /** @param send delivers a batch; a rejection with UNAVAILABLE, DEADLINE or BUS_OVERLOADED means: keep and send again once open. */
  constructor(batch: number, merge: (older: V, newer: V) => V, send: (values: readonly V[]) => Promise<void>) {
    this.#batch = batch;
    this.#merge = merge;
    this.#send = send;
  }

  /** Resolves once this value, or a later one of the same key, was delivered; rejects when it was refused. */
  put(key: string, value: V): Promise<void> {
    return new Promise((resolve, reject) => {
      const entry = this.#pending.get(key);
      if (entry === undefined) this.#pending.set(key, { value, settle: [{ resolve, reject }] });
      else {
        entry.value = this.#merge(entry.value, value);
        entry.settle.push({ resolve, reject });
      }
      void this.#run();
    });
  }

  /** The way is open: what waits is sent. */
  open(): void {
    this.#open = true;
    void this.#run();
  }

  close(): void {
    this.#open = false;
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    // A turn later, so that the changes of one callback travel together.
    await Promise.resolve();
    try {
      while (this.#open && this.#pending.size > 0) await this.#deliver();
    } finally {
      this.#running = false;
    }
  }

  async #deliver(): Promise<void> {
    const batch = [...this.#pending].slice(0, this.#batch);
    for (const [key] of batch) this.#pending.delete(key);
    try {
      await this.#send(batch.map(([, entry]) => entry.value));
      for (const [, entry] of batch) for (const { resolve } of entry.settle) resolve();
    } catch (thrown) {
      if (!['UNAVAILABLE', 'DEADLINE', 'BUS_OVERLOADED'].includes(toWeftError(thrown).code)) {
        for (const [, entry] of batch) for (const { reject } of entry.settle) reject(thrown);
        return;
      }
      this.#keep(batch);
      if (toWeftError(thrown).code !== 'UNAVAILABLE') await new Promise((resolve) => setTimeout(resolve, 500));
      else this.#open = false;
    }
  }

  #keep(batch: readonly [string, Entry<V>][]): void {
    const newer = this.#pending;
    this.#pending = new Map(batch);
    for (const [key, entry] of newer) {
      const older = this.#pending.get(key);
      if (older === undefined) this.#pending.set(key, entry);
      else this.#pending.set(key, { value: this.#merge(older.value, entry.value), settle: [...older.settle, ...entry.settle] });
    }
  }
}
