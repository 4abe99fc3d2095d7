/** A socket of raw frames for punts and injections: no msgpack, nothing awaited, what does not fit is dropped and counted. */
import type { Dealer } from 'zeromq';

export class RawSocket {
  readonly #onFrame: (frame: Buffer) => void;
  #socket: Dealer | null = null;
  #drops = 0;

  constructor(onFrame: (frame: Buffer) => void) {
    this.#onFrame = onFrame;
  }

  /** Frames that found no room or no peer. */
  get drops(): number {
    return this.#drops;
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
      for await (const [frame] of socket) if (frame !== undefined && this.#socket === socket) this.#onFrame(frame);
    } catch (thrown) {
      // A detached socket is being unbound or closed, which ends a receive with an error.
      if (this.#socket === socket) throw thrown;
    }
  }
}
