/** The one sender loop of a socket: ZeroMQ allows one send at a time and leaves it pending while no peer is there. */
import type { Dealer } from 'zeromq';
import { outboxBytes } from './limits.ts';

export class Outbox {
  readonly #socket: Pick<Dealer, 'send'>;
  readonly #onFull: () => void;
  readonly #limit: number;
  #queue: Buffer[] = [];
  #bytes = 0;
  #sending = false;
  #retired = false;

  /** @param onFull the peer does not read: more than `limit` bytes wait; called once for each message that is thrown away for it */
  constructor(socket: Pick<Dealer, 'send'>, onFull: () => void, limit = outboxBytes) {
    this.#socket = socket;
    this.#onFull = onFull;
    this.#limit = limit;
  }

  get idle(): boolean {
    return !this.#sending;
  }

  push(bytes: Buffer): void {
    if (this.#bytes > this.#limit) {
      this.#onFull();
      return;
    }
    this.#queue.push(bytes);
    this.#bytes += bytes.length;
    if (!this.#sending) void this.#run();
  }

  /** Forgets what has not been given to the socket yet. */
  clear(): void {
    this.#queue = [];
    this.#bytes = 0;
  }

  /** The socket is about to be closed: its errors no longer matter. */
  retire(): void {
    this.clear();
    this.#retired = true;
  }

  async #run(): Promise<void> {
    this.#sending = true;
    try {
      for (let bytes = this.#queue.shift(); bytes !== undefined; bytes = this.#queue.shift()) {
        this.#bytes -= bytes.length;
        await this.#socket.send(bytes);
      }
    } catch (thrown) {
      if (!this.#retired) throw thrown;
    } finally {
      this.#sending = false;
    }
  }
}
