/** A socket of raw frames for punts and injections: no msgpack, nothing awaited, what does not fit is dropped and counted. */
import type { Dealer } from 'zeromq';
import type { Pace } from './pace.ts';

export class RawSocket {
  readonly #onFrame: (frame: Buffer) => void;
  readonly #pace: Pace | null;
  #socket: Dealer | null = null;
  #drops = 0;
  #heardAt = performance.now();

  /** @param pace bounds the time that the peer's frames take of this process; null: the peer is trusted */
  constructor(onFrame: (frame: Buffer) => void, pace: Pace | null = null) {
    this.#onFrame = onFrame;
    this.#pace = pace;
  }

  /** Frames that found no room or no peer. */
  get drops(): number {
    return this.#drops;
  }

  /** When the last frame came, by `performance.now()`. */
  get heardAt(): number {
    return this.#heardAt;
  }

  /** Gives a frame to the socket or drops it. The buffer must not be changed afterwards: large ones are sent from where they are. */
  send(frame: Buffer): void {
    const socket = this.#socket;
    if (socket === null || socket.closed) {
      this.#drops += 1;
      return;
    }
    socket.send(frame).catch(() => {
      this.#drops += 1;
    });
  }

  /** Speaks over this socket (of send timeout 0) from now on. */
  attach(socket: Dealer): void {
    this.#socket = socket;
    void this.#listen(socket);
  }

  detach(): Dealer | null {
    const socket = this.#socket;
    this.#socket = null;
    return socket;
  }

  close(): void {
    this.detach()?.close();
  }

  async #listen(socket: Dealer): Promise<void> {
    try {
      for await (const [frame] of socket) {
        if (frame === undefined || this.#socket !== socket) continue;
        this.#heardAt = performance.now();
        if (this.#pace === null) this.#onFrame(frame);
        else {
          this.#pace.charge(() => this.#onFrame(frame));
          await this.#pace.next();
        }
      }
    } catch (thrown) {
      // A detached socket is being unbound or closed, which ends a receive with an error.
      if (this.#socket === socket) throw thrown;
    }
  }
}
