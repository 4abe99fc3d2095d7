/** How many answers each port gets per second: a bucket of tokens for each that asks. */

interface Bucket {
  tokens: number;
  at: number;
  /** Questions beyond the rate that are not to wait. */
  beyond: number;
}

const leastSweep = 4096;
/** Of the questions beyond a port's rate, one in so many is put off instead of dropped. */
const slip = 2;

export class RateLimit {
  readonly #perMs: number;
  readonly #burst: number;
  readonly #buckets = new Map<number, Bucket>();
  #sweepAt = leastSweep;

  /** @param perSecond 0: no limit */
  constructor(perSecond: number, burst: number) {
    this.#perMs = perSecond / 1000;
    this.#burst = burst;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** Takes a token of the port. Returns 0, or after how many milliseconds there will be one. */
  take(port: number, nowMs: number): number {
    if (this.#perMs === 0) return 0;
    const bucket = this.#bucket(port, nowMs);
    bucket.tokens = Math.min(this.#burst, bucket.tokens + Math.max(0, nowMs - bucket.at) * this.#perMs);
    bucket.at = nowMs;
    if (bucket.tokens < 1) return (1 - bucket.tokens) / this.#perMs;
    bucket.tokens -= 1;
    return 0;
  }

  /** What an answer costs beyond the token it took; it may leave less than none. */
  charge(port: number, tokens: number, nowMs: number): void {
    if (this.#perMs > 0 && tokens > 0) this.#bucket(port, nowMs).tokens -= tokens;
  }

  /** Whether a question that got no token is put off: its port is told to come by TCP, where it can wait. Counted for each port by itself. */
  putsOff(port: number, nowMs: number): boolean {
    const bucket = this.#bucket(port, nowMs);
    bucket.beyond += 1;
    return bucket.beyond % slip === 0;
  }

  #bucket(port: number, nowMs: number): Bucket {
    const known = this.#buckets.get(port);
    if (known !== undefined) return known;
    if (this.#buckets.size >= this.#sweepAt) this.#sweep(nowMs);
    const bucket = { tokens: this.#burst, at: nowMs, beyond: 0 };
    this.#buckets.set(port, bucket);
    return bucket;
  }

  /** A full bucket is as good as none. */
  #sweep(nowMs: number): void {
    for (const [port, { tokens, at }] of this.#buckets) if (tokens + (nowMs - at) * this.#perMs >= this.#burst) this.#buckets.delete(port);
    this.#sweepAt = Math.max(leastSweep, this.#buckets.size * 2);
  }
}
