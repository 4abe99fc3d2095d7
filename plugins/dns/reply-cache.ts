/** Whole replies by the bytes of their queries, behind the id: the quick way for what is asked again and again. */

/** Whose the answer was. */
export type Source = 'local' | 'upstream';

export interface KeptReply {
  readonly bytes: Buffer;
  readonly source: Source;
}

interface Entry extends KeptReply {
  readonly until: number;
}

/** Longer ones are rare, and would make room for few. */
const longestQuery = 128;
const longestReply = 1232;

export class ReplyCache {
  readonly #most: number;
  readonly #entries = new Map<string, Entry>();
  readonly #views = new WeakMap<object, number>();
  #nextView = 0;

  /** @param most entries kept; the oldest go first */
  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** What stands for a query of a view; undefined for one too long to be kept. */
  key(view: object, query: Buffer): string | undefined {
    if (query.length > longestQuery || query.length < 3) return undefined;
    return `${this.#numberOf(view)}:${query.toString('latin1', 2)}`;
  }

  /** A copy with the query's id. */
  get(key: string, query: Buffer, nowMs: number): KeptReply | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (nowMs >= entry.until) {
      this.#entries.delete(key);
      return undefined;
    }
    const bytes = Buffer.from(entry.bytes);
    query.copy(bytes, 0, 0, 2);
    return { bytes, source: entry.source };
  }

  put(key: string, reply: KeptReply, until: number): void {
    if (reply.bytes.length > longestReply) return;
    this.#entries.delete(key);
    this.#entries.set(key, { bytes: Buffer.from(reply.bytes), source: reply.source, until });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > this.#most && oldest !== undefined) this.#entries.delete(oldest);
  }

  /** Views are told apart by number: one that is gone never has entries again. */
  #numberOf(view: object): number {
    const known = this.#views.get(view);
    if (known !== undefined) return known;
    this.#nextView += 1;
    this.#views.set(view, this.#nextView);
    return this.#nextView;
  }
}
