/**
 * Joins a channel to a DEALER socket and decides whether a live peer is there. Each end has a random epoch; frames count only once both ends have
 * heard each other's current epoch, so nothing meant for a dead process ever reaches its successor. The client says hello every second and the
 * server answers; an end that hears nothing for `silenceMs` gives the peer up, and both agree anew when it speaks again.
 *
 * A client trusts its server. A server trusts nobody: what a peer sends is looked through before it is read, and takes no more than its share of time.
 */
import { randomBytes } from 'node:crypto';
import type { Dealer } from 'zeromq';
import type { Frame, Hello } from '../contract/system/wire.ts';
import type { Budget } from './budget.ts';
import type { Channel } from './channel.ts';
import { decode, decodeStrange, encode } from './codec.ts';
import { readFrame } from './frames.ts';
import { Outbox } from './outbox.ts';
import { Pace } from './pace.ts';
import type { OnRefused } from './refusals.ts';

const helloIntervalMs = 1_000;
const helloRetryMs = 100;
const defaultSilenceMs = 10_000;

export interface LinkOptions {
  readonly role: 'client' | 'server';
  /** Silence after which the peer counts as gone. */
  readonly silenceMs?: number;
  /** Messages that were dropped, and why; on a server also what else the peer was refused. */
  readonly onRefused?: OnRefused | undefined;
  /** What the peer may take of a server's time. */
  readonly budget?: Budget;
}

type LinkedChannel = Pick<Channel<object, object>, 'up' | 'down' | 'receive' | 'connected'>;

export class Link {
  readonly #role: 'client' | 'server';
  readonly #silenceMs: number;
  readonly #onRefused: OnRefused;
  /** Null on a client. */
  readonly #pace: Pace | null;
  #channel: LinkedChannel | null = null;
  #socket: Dealer | null = null;
  #outbox: Outbox | null = null;
  #epoch = newEpoch();
  #peerEpoch = '';
  #heardAt = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor({ role, silenceMs = defaultSilenceMs, onRefused = () => undefined, budget }: LinkOptions) {
    this.#role = role;
    this.#silenceMs = silenceMs;
    this.#onRefused = onRefused;
    this.#pace = role === 'server' ? new Pace(onRefused, budget) : null;
  }

  /** When the peer's last message came, by `performance.now()`. */
  get heardAt(): number {
    return this.#heardAt;
  }

  /** Binds the channel that frames go to; once, before `attach`. */
  join(channel: LinkedChannel): void {
    this.#channel = channel;
  }

  /** Speaks over this socket from now on. */
  attach(socket: Dealer): void {
    this.#socket = socket;
    this.#outbox = new Outbox(socket, () => this.#unread());
    this.#heardAt = performance.now();
    void this.#listen(socket);
    this.#tick(performance.now());
  }

  /** The peer is known to be gone, or its socket is: everything pending fails, and the next hello starts anew. */
  lost(): void {
    this.#outbox?.clear();
    this.#peerEpoch = '';
    if (this.#channel?.connected !== true) return;
    this.#epoch = newEpoch();
    this.#channel.down();
  }

  /** Stops speaking; returns the socket for its owner to close. */
  detach(): Dealer | null {
    clearTimeout(this.#timer);
    this.lost();
    const socket = this.#socket;
    this.#outbox?.retire();
    this.#socket = null;
    this.#outbox = null;
    return socket;
  }

  /** Answers are on the account of the peer that asked for them. */
  send(frame: Frame): void {
    const bytes = this.#pace === null || 'm' in frame ? encode(frame) : this.#pace.charge(() => encode(frame));
    this.#outbox?.push(bytes);
  }

  #unread(): void {
    this.#onRefused('unread', 'it does not read what it is sent, and counts as gone');
    this.lost();
  }

  #hello(): void {
    const hello: Hello = { h: this.#epoch, a: this.#peerEpoch };
    this.#outbox?.push(encode(hello));
  }

  /** @param due when this tick was meant to run: a tick that is late tells that this process itself stood still, which is not the peer's silence. */
  #tick(due: number): void {
    const now = performance.now();
    if (now - due > helloIntervalMs) this.#heardAt = now;
    const connected = this.#channel?.connected === true;
    if (connected && now - this.#heardAt > this.#silenceMs) this.lost();
    if (this.#role === 'client' && this.#outbox?.idle === true) this.#hello();
    const delay = connected || this.#role === 'server' ? Math.min(helloIntervalMs, this.#silenceMs / 2) : helloRetryMs;
    this.#timer = setTimeout(() => this.#tick(now + delay), delay);
  }

  async #listen(socket: Dealer): Promise<void> {
    try {
      for await (const [bytes, ...parts] of socket) {
        if (bytes === undefined || this.#socket !== socket) continue;
        if (this.#pace === null) this.#receive(bytes);
        else {
          if (parts.length > 0) this.#onRefused('malformed', `a message of ${parts.length + 1} parts`);
          else this.#pace.charge(() => this.#receive(bytes));
          await this.#pace.next();
        }
      }
    } catch (thrown) {
      // A detached socket is being unbound or closed, which ends a receive with an error.
      if (this.#socket === socket) throw thrown;
    }
  }

  #receive(bytes: Buffer): void {
    let frame: Frame | Hello;
    try {
      frame = readFrame(this.#pace === null ? decode(bytes) : decodeStrange(bytes));
    } catch (thrown) {
      this.#onRefused('malformed', thrown instanceof Error ? thrown.message : String(thrown));
      return;
    }
    this.#heardAt = performance.now();
    if ('h' in frame) this.#greet(frame);
    else this.#channel?.receive(frame, bytes.length);
  }

  #greet({ h, a }: Hello): void {
    const known = h === this.#peerEpoch;
    if (!known) {
      this.lost();
      this.#peerEpoch = h;
    }
    if (this.#role === 'server' || !known || a !== this.#epoch) this.#hello();
    // `lost` may have renewed this end's epoch: then the peer's next hello brings the link up.
    if (a === this.#epoch) this.#channel?.up();
  }
}

function newEpoch(): string {
  return randomBytes(9).toString('base64');
}
