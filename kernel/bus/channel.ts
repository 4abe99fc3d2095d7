/**
 * Typed remote calls over a pipe of frames, in both directions at once. It knows no socket: somebody gives it frames (`receive`), takes its
 * frames (`send`) and says when a live peer is there (`up`) or gone (`down`). Calls are only ever answered by the peer they were made to.
 */
import { fail, type WeftError, WeftFailure } from '../contract/system/errors.ts';
import type { Frame, InOf, ItemOf, OutOf, StreamNames, UnaryNames } from '../contract/system/wire.ts';
import { defaultDeadlineMs, maxInFlight } from '../contract/system/wire.ts';
import { type Handlers, Serving, type ServingOptions } from './serving.ts';
import { StreamQueue } from './stream-queue.ts';

export interface CallOptions {
  /** Default 5,000 for a call, none for a stream. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

/** What a caller sees of a channel whose other end serves `Remote`. */
export interface Caller<Remote> {
  readonly connected: boolean;
  /** Rejects with `WeftFailure`: the handler's error, `UNAVAILABLE` (no live peer, or it went away), `DEADLINE`, `BUS_OVERLOADED`, `CANCELLED`. */
  call<K extends UnaryNames<Remote>>(method: K, input: InOf<Remote, K>, options?: CallOptions): Promise<OutOf<Remote, K>>;
  /** Throws the same errors from the iteration. Leave the loop to cancel. */
  stream<K extends StreamNames<Remote>>(method: K, input: InOf<Remote, K>, options?: CallOptions): AsyncIterableIterator<ItemOf<Remote, K>>;
  /** Resolves once a live peer is there. */
  whenConnected(): Promise<void>;
}

interface Pending {
  resolve(result: unknown): void;
  fail(error: WeftError): void;
}

export interface ChannelOptions<Served> extends Pick<ServingOptions, 'onRefused' | 'maxStreams'> {
  /** Name of the other end in messages. */
  readonly peer: string;
  readonly handlers: Handlers<Served>;
  /** Takes a frame for the peer; throws only when it cannot be serialised. */
  readonly send: (frame: Frame) => void;
  readonly onConnect?: () => void;
  readonly onDisconnect?: () => void;
}

export class Channel<Served, Remote> implements Caller<Remote> {
  readonly #options: ChannelOptions<Served>;
  readonly #serving: Serving;
  readonly #calls = new Map<number, Pending>();
  readonly #streams = new Map<number, StreamQueue<unknown>>();
  readonly #waiting: (() => void)[] = [];
  #next = 1;
  #up = false;

  constructor(options: ChannelOptions<Served>) {
    this.#options = options;
    const { handlers, onRefused, maxStreams } = options;
    this.#serving = new Serving(handlers, { send: (frame) => this.#send(frame), onRefused, maxStreams });
  }

  get connected(): boolean {
    return this.#up;
  }

  /** A live peer is there. */
  up(): void {
    if (this.#up) return;
    this.#up = true;
    for (const resolve of this.#waiting.splice(0)) resolve();
    this.#options.onConnect?.();
  }

  /** The peer is gone: pending calls and streams fail, running handlers are aborted. */
  down(): void {
    if (!this.#up) return;
    this.#up = false;
    const error = this.#unavailable('went away').error;
    for (const pending of [...this.#calls.values()]) pending.fail(error);
    for (const queue of this.#streams.values()) queue.end(error);
    this.#streams.clear();
    this.#serving.cancelAll();
    this.#options.onDisconnect?.();
  }

  whenConnected(): Promise<void> {
    return this.#up ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
  }

  call<K extends UnaryNames<Remote>>(method: K, input: InOf<Remote, K>, options: CallOptions = {}): Promise<OutOf<Remote, K>> {
    const refusal = this.#refusal(options.signal);
    if (refusal !== null) return Promise.reject(refusal);
    const { signal, deadlineMs = defaultDeadlineMs } = options;
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      const give = (error: WeftError): void => {
        this.#send({ i: id, c: true });
        this.#calls.get(id)?.fail(error);
      };
      const late = (): void => give(fail('DEADLINE', `${this.#options.peer} did not answer '${method}' within ${deadlineMs} ms`).error);
      const abort = (): void => give(fail('CANCELLED', `'${method}' was cancelled`).error);
      const timer = setTimeout(late, deadlineMs);
      const settle = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        this.#calls.delete(id);
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.#calls.set(id, {
        resolve: (result) => {
          settle();
          resolve(result as OutOf<Remote, K>);
        },
        fail: (error) => {
          settle();
          reject(new WeftFailure(error));
        },
      });
      this.#send({ i: id, m: method, p: input, d: deadlineMs });
    });
  }

  stream<K extends StreamNames<Remote>>(
    method: K,
    input: InOf<Remote, K>,
    options: CallOptions = {},
  ): AsyncIterableIterator<ItemOf<Remote, K>> {
    const { signal, deadlineMs = 0 } = options;
    const id = this.#next++;
    const queue = new StreamQueue<ItemOf<Remote, K>>(
      (items) => this.#send({ i: id, w: items }),
      () => {
        this.#streams.delete(id);
        this.#send({ i: id, c: true });
      },
    );
    const refusal = this.#refusal(signal);
    if (refusal !== null) {
      queue.end(refusal.error);
      return queue;
    }
    signal?.addEventListener('abort', () => void queue.return(), { once: true });
    this.#streams.set(id, queue as StreamQueue<unknown>);
    this.#send({ i: id, m: method, p: input, d: deadlineMs });
    return queue;
  }

  /** One frame from the peer, and its size. Frames of calls that are over are ignored: a reply and a cancellation may cross. */
  receive(frame: Frame, bytes = 0): void {
    if (!this.#up) return;
    if ('m' in frame) this.#serving.request(frame, bytes);
    else if ('r' in frame) this.#calls.get(frame.i)?.resolve(frame.r);
    else if ('s' in frame) this.#streams.get(frame.i)?.push(frame.s, bytes);
    else if ('x' in frame) this.#endStream(frame.i, null);
    else if ('c' in frame) this.#serving.cancel(frame.i);
    else if ('w' in frame) this.#serving.window(frame.i, frame.w);
    else {
      this.#calls.get(frame.i)?.fail(frame.e);
      this.#endStream(frame.i, frame.e);
    }
  }

  #endStream(id: number, error: WeftError | null): void {
    this.#streams.get(id)?.end(error);
    this.#streams.delete(id);
  }

  #refusal(signal: AbortSignal | undefined): WeftFailure | null {
    if (signal?.aborted) return fail('CANCELLED', 'the call was cancelled before it began');
    if (!this.#up) return this.#unavailable('is not connected');
    if (this.#calls.size + this.#streams.size < maxInFlight) return null;
    return fail('BUS_OVERLOADED', `more than ${maxInFlight} calls to ${this.#options.peer} are in flight`, 'retry later');
  }

  #unavailable(what: string): WeftFailure {
    return fail('UNAVAILABLE', `${this.#options.peer} ${what}`, 'retry once it is back: weft status');
  }

  #send(frame: Frame): void {
    if (!this.#up) return;
    try {
      this.#options.send(frame);
    } catch (thrown) {
      const error = fail('INTERNAL', `a message cannot be serialised: ${thrown instanceof Error ? thrown.message : String(thrown)}`).error;
      if ('m' in frame) this.receive({ i: frame.i, e: error });
      else this.#options.send({ i: frame.i, e: error });
    }
  }
}
