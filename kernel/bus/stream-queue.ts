/** The reading end of a stream: a bounded queue that a consumer drains with `for await`, granting the sender more room as it reads. */
import { fail, type WeftError, WeftFailure } from '../contract/system/errors.ts';
import { streamWindow } from '../contract/system/wire.ts';
import { streamBytes } from './limits.ts';

type End = { readonly error: WeftError | null };

/** Single consumer. Leaving the loop early calls `onStop`. */
export class StreamQueue<Item> implements AsyncIterableIterator<Item> {
  readonly #items: { readonly item: Item; readonly bytes: number }[] = [];
  #bytes = 0;
  readonly #grant: (items: number) => void;
  readonly #stop: () => void;
  #read = 0;
  #end: End | null = null;
  #wake: (() => void) | null = null;

  /** @param grant tells the sender that so many more items fit; @param onStop the consumer wants no more. */
  constructor(grant: (items: number) => void, onStop: () => void) {
    this.#grant = grant;
    this.#stop = onStop;
  }

  /** A sender that ignores the window, or fills it with more bytes than may wait, ends the stream with `BUS_OVERLOADED`. */
  push(item: Item, bytes = 0): void {
    if (this.#end !== null) return;
    if (this.#items.length >= streamWindow || this.#bytes > streamBytes) {
      this.end(fail('BUS_OVERLOADED', 'the sender of a stream ignored its window').error);
      this.#stop();
      return;
    }
    this.#items.push({ item, bytes });
    this.#bytes += bytes;
    this.#notify();
  }

  /** No more items; those queued are still delivered, unless there is an error: then they are dropped. */
  end(error: WeftError | null): void {
    if (this.#end !== null) return;
    this.#end = { error };
    if (error !== null) this.#items.length = 0;
    this.#notify();
  }

  async next(): Promise<IteratorResult<Item, undefined>> {
    for (;;) {
      const first = this.#items.shift();
      if (first !== undefined) {
        this.#bytes -= first.bytes;
        this.#count();
        return { done: false, value: first.item };
      }
      const end = this.#end;
      if (end !== null) {
        this.#end = { error: null };
        if (end.error !== null) throw new WeftFailure(end.error);
        return { done: true, value: undefined };
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async return(): Promise<IteratorResult<Item, undefined>> {
    if (this.#end === null) {
      this.#stop();
      this.end(null);
    }
    this.#items.length = 0;
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #count(): void {
    this.#read += 1;
    if (this.#end === null && this.#read >= streamWindow / 2) {
      this.#grant(this.#read);
      this.#read = 0;
    }
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }
}
