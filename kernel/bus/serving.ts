/** The answering half of a channel: runs handlers for incoming requests, bounded, cancellable, exceptions turned into data. */
import { type ErrorCode, fail, toWeftError, type WeftFailure } from '../contract/system/errors.ts';
import type { Frame, InOf, ItemOf, OutOf, StreamNames, UnaryNames } from '../contract/system/wire.ts';
import { maxInFlight, streamWindow } from '../contract/system/wire.ts';
import { inFlightBytes } from './limits.ts';
import type { OnRefused } from './refusals.ts';

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
  /** Of the request. */
  readonly bytes: number;
  /** Stream items that the caller still takes. */
  window: number;
  resume: (() => void) | null;
}

type Request = Extract<Frame, { readonly m: string }>;

interface Call {
  readonly id: number;
  readonly method: string;
  readonly running: Running;
}

/** Of a method's name in messages. */
const longestName = 100;

export interface ServingOptions {
  readonly send: (frame: Frame) => void;
  /** Hears of what the caller may not do. */
  readonly onRefused?: OnRefused | undefined;
  /** Streams that may run at once. */
  readonly maxStreams?: number | undefined;
}

/** Answers that tell of a caller that does what it should not, rather than of bad luck. */
const refusals: ReadonlySet<ErrorCode> = new Set(['FORBIDDEN', 'UNAUTHENTICATED', 'MALFORMED', 'INVALID', 'TOO_LARGE', 'BUS_OVERLOADED']);

export class Serving {
  readonly #handlers: ReadonlyMap<string, Handler>;
  readonly #send: (frame: Frame) => void;
  readonly #onRefused: OnRefused;
  readonly #maxStreams: number;
  readonly #running = new Map<number, Running>();
  #streams = 0;
  #bytes = 0;

  constructor(handlers: object, { send, onRefused = () => undefined, maxStreams = maxInFlight }: ServingOptions) {
    this.#handlers = new Map(Object.entries(handlers) as [string, Handler][]);
    this.#send = send;
    this.#onRefused = onRefused;
    this.#maxStreams = maxStreams;
  }

  /** @param bytes size of the request as it came */
  request(request: Request, bytes: number): void {
    const { i, m } = request;
    const handler = this.#handlers.get(m);
    // A second one would take the first one's place, which nothing could end any more.
    if (this.#running.has(i)) this.#onRefused('malformed', `the number of a call that is in flight (${i})`);
    else if (this.#running.size >= maxInFlight)
      this.#refuse(i, 'overload', fail('BUS_OVERLOADED', `more than ${maxInFlight} calls are in flight`, 'retry later'));
    else if (this.#bytes + bytes > inFlightBytes)
      this.#refuse(i, 'overload', fail('BUS_OVERLOADED', `more than ${inFlightBytes} bytes of calls are in flight`, 'retry later'));
    else if (handler === undefined)
      this.#refuse(i, 'unknown-method', fail('NOT_FOUND', `no method '${m.slice(0, longestName)}' on this channel`));
    else this.#start(request, bytes, handler);
  }

  #start({ i, m, p, d }: Request, bytes: number, handler: Handler): void {
    const abort = new AbortController();
    const deadline = d > 0 ? setTimeout(() => this.cancel(i), d) : undefined;
    const running: Running = { abort, deadline, bytes, window: streamWindow, resume: null };
    this.#running.set(i, running);
    this.#bytes += bytes;
    void this.#run({ id: i, method: m, running }, handler, p);
  }

  window(id: number, items: number): void {
    const running = this.#running.get(id);
    if (running === undefined) return;
    running.window = Math.min(streamWindow, running.window + items);
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
    if (this.#running.get(id) !== running) return;
    this.#running.delete(id);
    this.#bytes -= running.bytes;
  }

  #refuse(id: number, act: string, { error }: WeftFailure): void {
    this.#onRefused(act, error.message);
    this.#send({ i: id, e: error });
  }

  async #run({ id, method, running }: Call, handler: Handler, input: unknown): Promise<void> {
    const { signal } = running.abort;
    try {
      const result = await handler(input, { signal });
      if (isAsyncIterable(result)) {
        await this.#stream(id, running, result);
        this.#answer(running, { i: id, x: true });
      } else {
        this.#answer(running, { i: id, r: result });
      }
    } catch (thrown) {
      const error = toWeftError(thrown);
      if (refusals.has(error.code)) this.#onRefused(method, error.message);
      this.#answer(running, { i: id, e: error });
    } finally {
      this.#forget(id, running);
    }
  }

  async #stream(id: number, running: Running, items: AsyncIterable<unknown>): Promise<void> {
    if (this.#streams >= this.#maxStreams)
      throw fail('BUS_OVERLOADED', `more than ${this.#maxStreams} streams are open`, 'end one of the others first');
    this.#streams += 1;
    try {
      await this.#pump(id, running, items);
    } finally {
      this.#streams -= 1;
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
