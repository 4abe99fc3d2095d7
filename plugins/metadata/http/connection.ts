/** One connection of a VM: whose it is, and until when it must have got on. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Account } from './account.ts';

/** How long a VM may take to hear the last words before its connection is cut. */
const lingerMs = 2_000;

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

export class Connection {
  readonly socket: Socket;
  readonly account: Account;
  /** Port number and service address, as the forwarder told them. */
  readonly port: number;
  readonly address: string;
  /** The requests before the present one, for those that must wait for their turn. */
  turn: Promise<unknown> = Promise.resolve();
  readonly #pending = new Set<Exchange>();
  #deadline: number;
  #headBytes = 0;
  #lastWords: string | undefined;
  #isFull = false;

  constructor(socket: Socket, account: Account, asker: { readonly port: number; readonly address: string }, deadline: number) {
    this.socket = socket;
    this.account = account;
    this.port = asker.port;
    this.address = asker.address;
    this.#deadline = deadline;
  }

  /** @param deadline for the request and its answer; while one waits for others, its time has not begun */
  begin(exchange: Exchange, deadline: number): void {
    this.#pending.add(exchange);
    if (this.#pending.size === 1) this.#deadline = deadline;
  }

  /** @param deadlines for the head of another request, or for the request whose turn it is now */
  end(exchange: Exchange, deadlines: { readonly head: number; readonly next: number }): void {
    this.#pending.delete(exchange);
    this.#deadline = this.#pending.size > 0 ? deadlines.next : deadlines.head;
    if (this.#pending.size > 0) return;
    this.#headBytes = this.socket.bytesRead;
    if (this.#lastWords !== undefined) this.#say(this.#lastWords);
  }

  isLate(now: number): boolean {
    return now > this.#deadline;
  }

  /** Something of a request has come that is not whole yet. */
  get hasBegun(): boolean {
    return this.#pending.size > 0 || this.socket.bytesRead > this.#headBytes;
  }

  /** Requests that wait fill memory: what is read meanwhile must have an end. */
  stopReading(): void {
    this.#isFull = true;
    this.socket.pause();
  }

  /** Its last request has come: others are not heard. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** The last words are said, or wait for their turn. */
  get isOver(): boolean {
    return this.#lastWords !== undefined;
  }

  /**
   * What came last cannot be read: the requests before it get their answers, then it gets `words`, and that is the end. Returns the request whose body
   * it was, if it was one: that one is to be answered in place of the words.
   */
  breakOff(words: string): Exchange | undefined {
    const broken = [...this.#pending].find(({ request }) => !request.complete);
    this.#lastWords = broken === undefined ? words : '';
    if (this.#pending.size === 0) this.#say(words);
    return broken;
  }

  /** It took too long: `words` if no answer is under way, then the end. */
  cutOff(words: string): void {
    if (this.#pending.size > 0 || this.isOver) this.socket.destroy();
    else this.#say(words);
  }

  #say(words: string): void {
    this.#lastWords = words;
    this.#deadline = performance.now() + lingerMs;
    if (words === '' || !this.socket.writable) this.socket.destroy();
    else this.socket.end(words, 'latin1');
  }
}
