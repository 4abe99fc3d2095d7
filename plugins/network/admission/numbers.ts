/** Hands out the lowest free numbers of a space, without giving back any within one transaction. */
export class NumberSpace {
  readonly #isUsed: (number: number) => boolean;
  readonly #last: number;
  #next: number;

  constructor(first: number, last: number, isUsed: (number: number) => boolean) {
    this.#next = first;
    this.#last = last;
    this.#isUsed = isUsed;
  }

  /** The lowest free number, now used; undefined when there is none. */
  take(): number | undefined {
    while (this.#next <= this.#last && this.#isUsed(this.#next)) this.#next += 1;
    return this.#next > this.#last ? undefined : this.#next++;
  }
}
