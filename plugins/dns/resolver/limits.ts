/** How much may be under way: of one port, of one network, and in all. */

export interface LimitSettings {
  readonly maxPerPort: number;
  readonly maxInFlight: number;
}

export class Limits {
  readonly #settings: LimitSettings;
  readonly #ports = new Map<number, number>();
  readonly #networks = new Map<string, number>();
  #total = 0;

  constructor(settings: LimitSettings) {
    this.#settings = settings;
  }

  /** A port waits for one more answer; undefined when it waits for too many. Call what is returned once, when it waits no more. */
  wait(port: number): (() => void) | undefined {
    return count(this.#ports, port, (own) => own < this.#settings.maxPerPort);
  }

  /**
   * One more question of a network to upstreams. A network may have as many under way as there is room left, so that however many networks are at
   * their limit, there is always some for one more (dynamic thresholds, Choudhury and Hahne 1998). `part`: of that room.
   */
  start(network: string, part = 1): (() => void) | undefined {
    const room = this.#settings.maxInFlight - this.#total;
    const end = count(this.#networks, network, (own) => own < room * part);
    if (end === undefined) return undefined;
    this.#total += 1;
    return () => {
      this.#total -= 1;
      end();
    };
  }
}

function count<Key>(counts: Map<Key, number>, key: Key, allows: (own: number) => boolean): (() => void) | undefined {
  const own = counts.get(key) ?? 0;
  if (!allows(own)) return undefined;
  counts.set(key, own + 1);
  return () => {
    const left = (counts.get(key) ?? 1) - 1;
    if (left === 0) counts.delete(key);
    else counts.set(key, left);
  };
}
