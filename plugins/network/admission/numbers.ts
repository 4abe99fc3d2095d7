/** Hands out the lowest free numbers of a space, without giving back any within one transaction. */
export class NumberSpace {
  readonly #used: Set<number>;
  readonly #last: number;
  #next: number;

  constructor(first: number, last: number, used: Iterable<number>) {
    this.#next = first;
    this.#last = last;
    this.#used = new Set(used);
  }

  /** The lowest free number, now used; undefined when there is none. */
  take(): number | undefined {
    // Numbers only become used, so what lies below #next never becomes free again.
    while (this.#used.has(this.#next)) this.#next += 1;
    if (this.#next > this.#last) return undefined;
    this.#used.add(this.#next);
    return this.#next;
  }
}
