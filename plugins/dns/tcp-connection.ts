/** One TCP connection of a VM (RFC 7766): questions in any pace, answers as they are ready. It waits rather than take more than its share. */
import type { Socket } from 'node:net';
import { FrameReader, framed } from './message/frames.ts';
import { longestQuery } from './reply.ts';

export interface ConnectionHost {
  /** The reply to a message; null ends the connection. */
  answer(message: Buffer): Buffer | Promise<Buffer> | null;
  /** Milliseconds until the port may have another answer; 0 takes one. */
  waitMs(): number;
  readonly idleMs: number;
}

/** Questions whose answers are not there yet. */
const mostInFlight = 128;
/** Bytes of answers that the VM has not taken yet. */
const mostUnread = 65_536;
/** Questions in one go, then others have their turn. */
const mostAtOnce = 32;

export class TcpConnection {
  readonly #socket: Socket;
  readonly #host: ConnectionHost;
  readonly #reader = new FrameReader(longestQuery + 1);
  readonly #idle: NodeJS.Timeout;
  #inFlight = 0;
  /** Taken from the reader, but not its turn yet. */
  #held: Buffer | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Nothing more comes from the VM; what came may still have to wait. */
  #ended = false;
  /** All that came is taken. */
  #drained = true;

  constructor(socket: Socket, host: ConnectionHost) {
    this.#socket = socket;
    this.#host = host;
    this.#idle = setTimeout(() => this.#expire(), host.idleMs);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#release());
    socket.on('drain', () => this.#read());
    socket.on('data', (chunk) => {
      this.#reader.push(chunk);
      this.#read();
    });
    // A client may say that it asks no more and wait for the answers.
    socket.on('end', () => {
      this.#ended = true;
      this.#finish();
    });
    socket.resume();
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(): void {
    if (this.#socket.destroyed || this.#timer !== undefined) return;
    this.#socket.cork();
    this.#drained = this.#readSome();
    this.#socket.uncork();
    if (this.#socket.destroyed) return;
    if (this.#drained) this.#socket.resume();
    else this.#socket.pause();
    this.#finish();
  }

  /** Whether there is nothing to wait for but the VM. */
  #readSome(): boolean {
    for (let count = 0; this.#inFlight < mostInFlight && this.#socket.writableLength < mostUnread; count += 1) {
      const message = this.#held ?? this.#reader.next();
      this.#held = undefined;
      if (message === undefined) return true;
      const waitMs = count < mostAtOnce ? this.#host.waitMs() : 1;
      if (waitMs > 0) {
        this.#held = message;
        this.#timer = setTimeout(() => this.#resume(), waitMs);
        return false;
      }
      this.#idle.refresh();
      this.#serve(message);
      if (this.#socket.destroyed) return false;
    }
    return false;
  }

  #resume(): void {
    this.#timer = undefined;
    this.#read();
  }

  #serve(message: Buffer): void {
    const reply = this.#host.answer(message);
    if (reply === null) this.#socket.destroy();
    else if (reply instanceof Promise) void this.#serveLater(reply);
    else this.#socket.write(framed(reply));
  }

  async #serveLater(reply: Promise<Buffer>): Promise<void> {
    this.#inFlight += 1;
    const bytes = await reply;
    this.#inFlight -= 1;
    if (this.#socket.destroyed) return;
    this.#socket.write(framed(bytes));
    this.#read();
  }

  #finish(): void {
    if (this.#ended && this.#drained && this.#inFlight === 0) this.#socket.end();
  }

  /** Upstreams may take longer than an idle VM may, and so may a question's turn. */
  #expire(): void {
    const waits = this.#inFlight > 0 || this.#timer !== undefined;
    if (waits && this.#socket.writableLength === 0) this.#idle.refresh();
    else this.#socket.destroy();
  }

  #release(): void {
    clearTimeout(this.#idle);
    clearTimeout(this.#timer);
  }
}
