/** What a fuzz module exports, and the memory that its worker shares with the watchdog. */

export interface Target {
  readonly seeds: readonly Buffer[];
  /** Throws, or rejects, when something does not hold. */
  run(data: Buffer): void | Promise<void>;
}

export interface Task {
  /** URL of the module. */
  readonly module: string;
  readonly seconds: number;
  readonly seed: number;
  readonly shared: SharedArrayBuffer;
}

export interface Finding {
  readonly message: string;
  readonly data: Uint8Array;
}

/** From the worker: findings as they come, then the number of inputs. */
export type Report = { readonly finding: Finding } | { readonly runs: number };

const largest = 4096;
const words = 2;

/** The input under way: the worker writes it down before it runs it, so that one that never ends can be named. */
export class Current {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;

  constructor(shared: SharedArrayBuffer) {
    this.#words = new Int32Array(shared, 0, words);
    this.#bytes = new Uint8Array(shared, words * 4);
  }

  static memory(): SharedArrayBuffer {
    return new SharedArrayBuffer(words * 4 + largest);
  }

  /** How many inputs were begun. */
  get count(): number {
    return Atomics.load(this.#words, 0);
  }

  begin(data: Buffer): void {
    this.#bytes.set(data.subarray(0, largest));
    Atomics.store(this.#words, 1, Math.min(data.length, largest));
    Atomics.add(this.#words, 0, 1);
  }

  input(): Uint8Array {
    return Uint8Array.from(this.#bytes.subarray(0, Atomics.load(this.#words, 1)));
  }
}
