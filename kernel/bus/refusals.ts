/** What peers were refused: counted for ever, logged at a rate that no flood can raise. */

export interface RefusalCount {
  readonly peer: string;
  /** A method of the channel, or one of `BusAct`. */
  readonly act: string;
  readonly count: number;
}

/** What the bus itself refuses. */
type BusAct =
  /** A message that is no msgpack, or of no shape that the wire knows. */
  | 'malformed'
  | 'unknown-method'
  /** More calls or streams at once than one peer may have. */
  | 'overload'
  /** It took more of the server's time than its share, and had to wait. */
  | 'flood'
  /** It does not read what it asked for. */
  | 'unread'
  /** The same process connects once more: its first connection was cut (a message too large), or it opens several. */
  | 'reconnect'
  /** Somebody who does not have the key of the peer whose socket this is. */
  | 'foreign-key'
  /** A message in parts without an end. */
  | 'endless-message';

/** @param act a method that refused, or a `BusAct`; @param detail one sentence */
export type OnRefused = (act: BusAct | (string & Record<never, never>), detail: string) => void;

export interface RefusalsOptions {
  readonly log: (peer: string, act: string, detail: string, count: number) => void;
  /** After each refusal of something that the peer itself did: how many there have been in the present window. */
  readonly onCount?: (peer: string, inWindow: number) => void;
  readonly now?: () => number;
}

export const refusalWindowMs = 60_000;
/** Lines of log per peer and window: the first ones of each kind of act say all that there is to say. */
const linesPerWindow = 60;
const linesPerAct = 5;

interface Window {
  began: number;
  refusals: number;
  lines: number;
  readonly byAct: Map<string, number>;
}

export class Refusals {
  readonly #options: RefusalsOptions;
  readonly #now: () => number;
  readonly #counts = new Map<string, Map<string, number>>();
  readonly #windows = new Map<string, Window>();

  constructor(options: RefusalsOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  record(peer: string, act: string, detail: string): void {
    const counts = this.#counts.get(peer) ?? new Map<string, number>();
    this.#counts.set(peer, counts);
    const count = (counts.get(act) ?? 0) + 1;
    counts.set(act, count);
    const window = this.#window(peer);
    this.#log(peer, act, detail, count, window);
    // Whoever knocks without the key is not the peer whose door it is.
    if (act === 'foreign-key') return;
    window.refusals += 1;
    this.#options.onCount?.(peer, window.refusals);
  }

  /** Since the process started. */
  counts(): readonly RefusalCount[] {
    return [...this.#counts].flatMap(([peer, counts]) => [...counts].map(([act, count]) => ({ peer, act, count })));
  }

  #window(peer: string): Window {
    const now = this.#now();
    const known = this.#windows.get(peer);
    if (known !== undefined && now - known.began < refusalWindowMs) return known;
    const window = { began: now, refusals: 0, lines: 0, byAct: new Map<string, number>() };
    this.#windows.set(peer, window);
    return window;
  }

  #log(peer: string, act: string, detail: string, count: number, window: Window): void {
    const ofAct = (window.byAct.get(act) ?? 0) + 1;
    window.byAct.set(act, ofAct);
    if (ofAct > linesPerAct || window.lines >= linesPerWindow) return;
    window.lines += 1;
    this.#options.log(peer, act, detail.slice(0, 500), count);
  }
}
