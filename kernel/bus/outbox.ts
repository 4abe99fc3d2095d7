/** The one sender loop of a socket: ZeroMQ allows one send at a time and leaves it pending while no peer is there. */
import type { Dealer } from 'zeromq';

export class Outbox {
  readonly #socket: Dealer;
  #queue: Buffer[] = [];
  #sending = false;
  #retired = false;

  constructor(socket: Dealer) {
    this.#socket = socket;
  }

  get idle(): boolean {
    return !this.#sending;
  }

  push(bytes: Buffer): void {
    this.#queue.push(bytes);
    if (!this.#sending) void this.#run();
  }

  /** Forgets what has not been given to the socket yet. */
  clear(): void {
    this.#queue = [];
  }

  /** The socket is about to be closed: its errors no longer matter. */
  retire(): void {
    this.clear();
    this.#retired = true;
  }

  async #run(): Promise<void> {
    this.#sending = true;
    try {
      for (let bytes = this.#queue.shift(); bytes !== undefined; bytes = this.#queue.shift()) await this.#socket.send(bytes);
    } catch (thrown) {
      if (!this.#retired) throw thrown;
    } finally {
      this.#sending = false;
    }
  }
}
