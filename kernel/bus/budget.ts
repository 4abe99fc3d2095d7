/** Bounds the time that one party takes of something shared: a bucket of milliseconds that refills at a part of the passing time. */

export interface BudgetOptions {
  /** Part of the time that it may take in the long run, 0 to 1. */
  readonly share: number;
  /** What it may take at once before that counts, ms. */
  readonly burstMs: number;
  /** Milliseconds from any start. */
  readonly now?: () => number;
}

/** Longest pause that is asked for at once, ms: whoever is made to wait is still heard now and then. */
const longestPauseMs = 1_000;

export class Budget {
  readonly #share: number;
  readonly #burstMs: number;
  readonly #now: () => number;
  #leftMs: number;
  #at: number;

  constructor({ share, burstMs, now = () => performance.now() }: BudgetOptions) {
    this.#share = share;
    this.#burstMs = burstMs;
    this.#now = now;
    this.#leftMs = burstMs;
    this.#at = now();
  }

  spend(ms: number): void {
    this.#refill();
    this.#leftMs -= ms;
  }

  /** Time to wait before it may take more, ms; 0: none. */
  pauseMs(): number {
    this.#refill();
    return this.#leftMs >= 0 ? 0 : Math.min(longestPauseMs, -this.#leftMs / this.#share);
  }

  #refill(): void {
    const now = this.#now();
    this.#leftMs = Math.min(this.#burstMs, this.#leftMs + (now - this.#at) * this.#share);
    this.#at = now;
  }
}
