/** The denials that are remembered, and those who wait for the next one. */
import type { Denial } from './denial.ts';

/** What a reader who is slow may leave unread. */
const mostUnread = 1000;

interface Reader {
  unread: Denial[];
  /** Of those that it did not get. */
  lost: number;
  wake: () => void;
}

export class Denials {
  readonly #most: number;
  /** The newest last. */
  #kept: Denial[] = [];
  readonly #readers = new Set<Reader>();
  /** Not told of yet. */
  #lost = 0;
  /** Since the plugin started. */
  told = 0;
  lost = 0;

  /** @param most that are remembered */
  constructor(most: number) {
    this.#most = most;
  }

  /** So many came too fast for whoever tells. */
  lose(count: number): void {
    this.lost += count;
    this.#lost += count;
  }

  add(given: Denial): void {
    const denial = this.#lost === 0 ? given : { ...given, lost: this.#lost };
    this.#lost = 0;
    this.told += 1;
    this.#kept.push(denial);
    if (this.#kept.length > this.#most) this.#kept.shift();
    for (const reader of this.#readers) give(reader, denial);
  }

  /** A project is gone: another one may get its name, and is not to read of it. */
  forget(project: string): void {
    this.#kept = this.#kept.filter((denial) => denial.project !== project);
  }

  /** Those that are remembered, the oldest first. */
  list(): readonly Denial[] {
    return [...this.#kept];
  }

  /** Those that are remembered, then every one that comes, some at a time. */
  async *follow(signal: AbortSignal): AsyncGenerator<readonly Denial[]> {
    const reader: Reader = { unread: [...this.#kept], lost: 0, wake: () => undefined };
    const wake = (): void => reader.wake();
    signal.addEventListener('abort', wake, { once: true });
    this.#readers.add(reader);
    try {
      while (!signal.aborted) {
        const unread = reader.unread;
        reader.unread = [];
        if (unread.length > 0) yield unread;
        if (reader.unread.length === 0 && !signal.aborted) await new Promise<void>((resolve) => Object.assign(reader, { wake: resolve }));
      }
    } finally {
      this.#readers.delete(reader);
      signal.removeEventListener('abort', wake);
    }
  }
}

function give(reader: Reader, denial: Denial): void {
  if (reader.unread.length >= mostUnread) reader.lost += 1;
  else {
    const lost = reader.lost + (denial.lost ?? 0);
    reader.unread.push(lost === 0 ? denial : { ...denial, lost });
    reader.lost = 0;
  }
  reader.wake();
}
