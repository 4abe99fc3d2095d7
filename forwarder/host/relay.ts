/**
 * Calls from the main isolate, which owns the sockets, to the Worker, which decides. A socket inside a killed Worker takes the whole process with it
 * (zeromq.js #411, measured), so the Worker has none; when it dies its calls fail at once and the next Worker serves the next ones.
 */
import { fail, type Peer, type PeerNews, toWeftError, type WeftError, WeftFailure } from '@weft/kernel/contract/system';

export type Peers = Readonly<Record<string, Peer>>;

/** Whom the launcher names: see `PeerNews`. */
export type Wanted = Omit<PeerNews, 'type'>;

export type ToWorker =
  | { readonly type: 'call'; readonly id: number; readonly peer: string; readonly method: string; readonly input: unknown }
  | PeerNews
  | { readonly type: 'block'; readonly ms: number };

export type FromWorker =
  /** The peers' grants and punt classes are in place. */
  | { readonly type: 'peers-done' }
  | { readonly type: 'result'; readonly id: number; readonly result: unknown }
  | { readonly type: 'failure'; readonly id: number; readonly error: WeftError };

type Call = Extract<ToWorker, { readonly type: 'call' }>;

interface Pending {
  readonly peer: string;
  readonly resolve: (result: unknown) => void;
  readonly reject: (failure: WeftFailure) => void;
}

/** The main isolate's end. The Worker has one call of each peer at most, so that however many one peer makes, no other waits behind more than that. */
export class Relay {
  readonly #pending = new Map<number, Pending>();
  /** Calls that wait for the one of their peer that the Worker has; a peer without an entry has none there. */
  readonly #lines = new Map<string, Call[]>();
  #post: ((message: ToWorker) => void) | undefined;
  #next = 1;

  /** A Worker is there; what was posted to the former one is lost. */
  connect(post: (message: ToWorker) => void): void {
    this.#post = post;
  }

  /** The Worker is gone. */
  disconnect(): void {
    this.#post = undefined;
    this.#lines.clear();
    const failure = restarting();
    for (const pending of this.#pending.values()) pending.reject(failure);
    this.#pending.clear();
  }

  /** Dropped while no Worker is there: a new one is given the current state when it starts. */
  post(message: ToWorker): void {
    this.#post?.(message);
  }

  call(peer: string, method: string, input: unknown): Promise<unknown> {
    if (this.#post === undefined) return Promise.reject(restarting());
    const call: Call = { type: 'call', id: this.#next++, peer, method, input };
    return new Promise((resolve, reject) => {
      this.#pending.set(call.id, { peer, resolve, reject });
      const line = this.#lines.get(peer);
      if (line !== undefined) line.push(call);
      else {
        this.#lines.set(peer, []);
        this.post(call);
      }
    });
  }

  /** Takes the answer to a call; ignores one that nobody waits for. */
  answer(message: Extract<FromWorker, { readonly id: number }>): void {
    const pending = this.#pending.get(message.id);
    if (pending === undefined) return;
    this.#pending.delete(message.id);
    this.#advance(pending.peer);
    if (message.type === 'result') pending.resolve(message.result);
    else pending.reject(new WeftFailure(message.error));
  }

  #advance(peer: string): void {
    const call = this.#lines.get(peer)?.shift();
    if (call === undefined) this.#lines.delete(peer);
    else this.post(call);
  }
}

/**
 * The Worker's end: runs the calls of one peer one after the other, those of different peers side by side, and answers each.
 * Buffers arrive as plain byte arrays (structured clone), which handlers turn back.
 */
export class Answerer {
  readonly #run: (peer: string, method: string, input: unknown) => unknown;
  readonly #post: (message: FromWorker) => void;
  readonly #last = new Map<string, Promise<void>>();

  constructor(run: (peer: string, method: string, input: unknown) => unknown, post: (message: FromWorker) => void) {
    this.#run = run;
    this.#post = post;
  }

  call({ id, peer, method, input }: Extract<ToWorker, { readonly type: 'call' }>): void {
    const before = this.#last.get(peer) ?? Promise.resolve();
    this.#last.set(
      peer,
      before.then(async () => {
        try {
          this.#post({ type: 'result', id, result: await this.#run(peer, method, input) });
        } catch (thrown) {
          this.#post({ type: 'failure', id, error: toWeftError(thrown) });
        }
      }),
    );
  }
}

function restarting(): WeftFailure {
  return fail('UNAVAILABLE', "the forwarder's Worker is being restarted", 'retry: packets flow meanwhile');
}
