/** How many connections and UDP sessions there are: of each port, and in all. */

export interface SessionLimits {
  readonly maxSessions: number;
  readonly maxPerPort: number;
}

export class Sessions {
  readonly #limits: SessionLimits;
  readonly #byPort = new Map<number, number>();
  #count = 0;

  constructor(limits: SessionLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#count;
  }

  /** Takes a place for a port; false when it has none left. */
  begin(port: number): boolean {
    const own = this.#byPort.get(port) ?? 0;
    if (own >= this.#limits.maxPerPort || this.#count >= this.#limits.maxSessions) return false;
    this.#byPort.set(port, own + 1);
    this.#count += 1;
    return true;
  }

  end(port: number): void {
    const own = (this.#byPort.get(port) ?? 1) - 1;
    if (own > 0) this.#byPort.set(port, own);
    else this.#byPort.delete(port);
    this.#count -= 1;
  }
}
