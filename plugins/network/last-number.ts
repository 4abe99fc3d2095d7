/** Keeps the number that was given last over a restart: the next port gets one that no port had lately. Losing it does no harm by itself. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export class LastNumber {
  readonly #file: string;
  #kept: number;
  #wanted: number;

  constructor(stateDir: string) {
    this.#file = join(stateDir, 'last-number');
    this.#kept = this.#read();
    this.#wanted = this.#kept;
  }

  /** 0: of none. */
  get value(): number {
    return this.#kept;
  }

  /** To be called as often as it may have changed; many changes at once are one write. */
  keep(number: number): void {
    if (number === this.#wanted) return;
    if (this.#wanted === this.#kept) setImmediate(() => this.#write());
    this.#wanted = number;
  }

  #read(): number {
    try {
      const number = Number(readFileSync(this.#file, 'utf8'));
      return Number.isSafeInteger(number) && number > 0 ? number : 0;
    } catch {
      return 0;
    }
  }

  #write(): void {
    writeFileSync(`${this.#file}.new`, String(this.#wanted));
    renameSync(`${this.#file}.new`, this.#file);
    this.#kept = this.#wanted;
  }
}
