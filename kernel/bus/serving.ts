/** The answering half of a channel: runs handlers for incoming requests, bounded, cancellable, exceptions turned into data. */
import { fail, toWeftError } from '../contract/system/errors.ts';
import type { Frame, InOf, ItemOf, OutOf, StreamNames, UnaryNames } from '../contract/system/wire.ts';
import { maxInFlight, streamWindow } from '../contract/system/wire.ts';

export interface CallContext {
  /** Aborted when the caller cancels, its deadline passes, or the channel goes down. */
  readonly signal: AbortSignal;
}

/** One handler per method of a channel. A stream's handler returns an async iterable; its `return` is called when the reader stops. */
export type Handlers<C> = {
  readonly [K in UnaryNames<C>]: (input: InOf<C, K>, context: CallContext) => OutOf<C, K> | Promise<OutOf<C, K>>;
} & { readonly [K in StreamNames<C>]: (input: InOf<C, K>, context: CallContext) => AsyncIterable<ItemOf<C, K>> };

type Handler = (input: unknown, context: CallContext) => unknown;

interface Running {
  readonly abort: AbortController;
  readonly deadline: NodeJS.Timeout | undefined;
  /** Stream items that the caller still takes. */
  window: number;
  resume: (() => void) | null;
}

export class Serving {
  readonly #handlers: ReadonlyMap<string, Handler>;
  readonly #send: (frame: Frame) => void;
  readonly #running = new Map<number, Running>();

  constructor(handlers: object, send: (frame: Frame) => void) {
    this.#handlers = new Map(Object.entries(handlers) as [string, Handler][]);
    this.#send = send;
  }

  request(id: number, method: string, input: unknown, deadlineMs: number): void {
    const handler = this.#handlers.get(method);
    if (this.#running.size >= maxInFlight) {
      this.#send({ i: id, e: fail('BUS_OVERLOADED', `more than ${maxInFlight} calls are in flight`, 'retry later').error });
      return;
    }
    if (handler === undefined) {
      this.#send({ i: id, e: fail('NOT_FOUND', `no method '${method}' on this channel`).error });
      return;
    }
    const abort = new AbortController();
    const deadline = deadlineMs > 0 ? setTimeout(() => this.cancel(id), deadlineMs) : undefined;
    const running: Running = { abort, deadline, window: streamWindow, resume: null };
    this.#running.set(id, running);
    void this.#run(id, running, handler, input);
  }

  window(id: number, items: number): void {
    const running = this.#running.get(id);
    if (running === undefined) return;
    running.window += items;
    running.resume?.();
  }

  cancel(id: number): void {
    const running = this.#running.get(id);
    if (running === undefined) return;
    this.#forget(id, running);
    running.abort.abort();
    running.resume?.();
  }

  /** The peer is gone: nobody waits for any answer. */
  cancelAll(): void {
    for (const id of [...this.#running.keys()]) this.cancel(id);
  }

  #forget(id: number, running: Running): void {
    clearTimeout(running.deadline);
    if (this.#running.get(id) === running) this.#running.delete(id);
  }

  async #run(id: number, running: Running, handler: Handler, input: unknown): Promise<void> {
    const { signal } = running.abort;
    try {
      const result = await handler(input, { signal });
      if (isAsyncIterable(result)) {
        await this.#pump(id, running, result);
        this.#answer(running, { i: id, x: true });
      } else {
        this.#answer(running, { i: id, r: result });
      }
    } catch (thrown) {
      this.#answer(running, { i: id, e: toWeftError(thrown) });
    } finally {
      this.#forget(id, running);
    }
  }

  async #pump(id: number, running: Running, items: AsyncIterable<unknown>): Promise<void> {
    const iterator = items[Symbol.asyncIterator]();
    try {
      while (!running.abort.signal.aborted) {
        if (running.window === 0) await this.#room(running);
        const step = await nextUnlessAborted(iterator, running.abort.signal);
        if (step === 'aborted' || step.done === true) break;
        running.window -= 1;
        this.#answer(running, { i: id, s: step.value });
      }
    } finally {
      // Not awaited: a generator that waits on something that never comes would hold this call for ever.
      if (running.abort.signal.aborted) void Promise.resolve(iterator.return?.()).catch(() => undefined);
    }
  }

  #room(running: Running): Promise<void> {
    return new Promise((resolve) => {
      running.resume = () => {
        running.resume = null;
        resolve();
      };
    });
  }

  #answer(running: Running, frame: Frame): void {
    if (!running.abort.signal.aborted) this.#send(frame);
  }
}

/** Not a race against one long-lived promise: that would hold every item until the stream ends. */
function nextUnlessAborted<T>(iterator: AsyncIterator<T>, signal: AbortSignal): Promise<IteratorResult<T> | 'aborted'> {
  return new Promise((resolve, reject) => {
    const abort = (): void => resolve('aborted');
    signal.addEventListener('abort', abort, { once: true });
    const settled = iterator.next().then(resolve, reject);
    void settled.finally(() => signal.removeEventListener('abort', abort));
  });
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
