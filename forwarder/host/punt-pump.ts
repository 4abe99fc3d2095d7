/**
 * Carries punt records from libforwarder to the plugins' sockets, one frame per batch. The first packet goes at once; while packets keep coming, the
 * rings are emptied every millisecond, so that a load costs messages per time, not per packet. Overload is shed in C, before the rings.
 */
import type { Forwarder } from '../binding/index.ts';

const intervalMs = 1;
/** Largest frame; at least one record. */
const frameBytes = 256 * 1024;

export interface PuntSink {
  /** Takes the buffer; never waits. */
  send(frame: Buffer): void;
}

export class PuntPump {
  readonly #forwarder: Pick<Forwarder, 'puntRead' | 'puntArm'>;
  readonly #scratch = Buffer.allocUnsafeSlow(frameBytes);
  readonly #sinks = new Map<number, PuntSink | null>();
  #timer: NodeJS.Timeout | undefined;

  constructor(forwarder: Pick<Forwarder, 'puntRead' | 'puntArm'>) {
    this.#forwarder = forwarder;
  }

  /** Where the records of an owner go; null: nobody takes them and they are thrown away, for a ring that nobody empties would never let this sleep. */
  setSink(owner: number, sink: PuntSink | null): void {
    this.#sinks.set(owner, sink);
  }

  /** A byte came, or this is the start. */
  wake(): void {
    if (this.#timer === undefined) this.#round();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #round(): void {
    const found = this.#drain() || this.#forwarder.puntArm();
    this.#timer = found ? setTimeout(() => this.#round(), intervalMs) : undefined;
  }

  /** One frame per owner at most, so that no owner starves another. */
  #drain(): boolean {
    let found = false;
    for (const [owner, sink] of this.#sinks) {
      const length = this.#forwarder.puntRead(owner, this.#scratch);
      if (length === 0) continue;
      found = true;
      sink?.send(Buffer.from(this.#scratch.subarray(0, length)));
    }
    return found;
  }
}
