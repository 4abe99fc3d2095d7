/** Two channels joined in memory; every frame is encoded and decoded as on a socket, so a test fails where the wire would. */
import type { Frame } from '../contract/system/wire.ts';
import { type Caller, Channel, type ChannelOptions } from './channel.ts';
import { decode, encode } from './codec.ts';
import type { Handlers } from './serving.ts';

export interface MemoryEnd<Served> extends Omit<ChannelOptions<Served>, 'send' | 'peer' | 'handlers'> {
  readonly name: string;
  readonly handlers: Handlers<Served>;
}

export interface MemoryPair<A, B> {
  /** Calls end B. */
  readonly a: Caller<B>;
  /** Calls end A. */
  readonly b: Caller<A>;
  connect(): void;
  disconnect(): void;
}

/** Starts disconnected. Frames arrive in order, each in a later turn of the event loop than it was sent. */
export function memoryPair<A, B>(endA: MemoryEnd<A>, endB: MemoryEnd<B>): MemoryPair<A, B> {
  let epoch = 0;
  const deliver = (frame: Frame, to: () => Channel<unknown, unknown>): void => {
    const bytes = encode(frame);
    const sent = epoch;
    setImmediate(() => {
      if (sent === epoch) to().receive(decode(bytes) as Frame);
    });
  };
  const a = new Channel<A, B>({ ...endA, peer: endB.name, send: (frame) => deliver(frame, () => b as Channel<unknown, unknown>) });
  const b = new Channel<B, A>({ ...endB, peer: endA.name, send: (frame) => deliver(frame, () => a as Channel<unknown, unknown>) });
  return {
    a,
    b,
    connect: () => {
      b.up();
      a.up();
    },
    disconnect: () => {
      epoch += 1;
      a.down();
      b.down();
    },
  };
}
