/** Hands out the free numbers of a space in turn, without giving back any within one transaction. */
export class NumberSpace {
  readonly #first: number;
  readonly #last: number;
  readonly #isUsed: (number: number) => boolean;
  #next: number;
  #untried: number;

  /** @param after the number that was given last: those above it come first, then those from the beginning. Default: the lowest come first */
  constructor(first: number, last: number, isUsed: (number: number) => boolean, after = last) {
    this.#first = first;
    this.#last = last;
    this.#isUsed = isUsed;
    this.#next = after >= first && after < last ? after + 1 : first;
    this.#untried = last - first + 1;
  }

  /** A free number, now used; undefined when there is none. */
  take(): number | undefined {
    for (; this.#untried > 0; this.#untried -= 1) {
      const number = this.#next;
      this.#next = number === this.#last ? this.#first : number + 1;
      if (this.#isUsed(number)) continue;
      this.#untried -= 1;
      return number;
    }
    return undefined;
  }
}
