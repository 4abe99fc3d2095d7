/** Keeps one Worker running: a dead one is replaced at once; one that keeps dying, after a growing pause. */

/** Deaths within this window count. */
const windowMs = 60_000;
/** So many deaths in a window are answered at once. */
const freeRestarts = 5;
/** A start costs a tenth of a second of CPU. */
const longestPauseMs = 1_000;

/** Pause before the next start, given the times of past deaths (ms, the last one just now). */
export function restartPause(deaths: readonly number[], now: number): number {
  const recent = deaths.filter((at) => now - at < windowMs).length;
  return recent <= freeRestarts ? 0 : Math.min(longestPauseMs, 100 * 2 ** (recent - freeRestarts - 1));
}

/** What is supervised: a Worker, or a stand-in of a test. */
export interface Supervised {
  once(event: 'exit', listener: (code: number) => void): unknown;
  terminate(): Promise<unknown>;
}

export class Supervisor<T extends Supervised> {
  readonly #start: () => T;
  readonly #died: (code: number, pauseMs: number) => void;
  #deaths: number[] = [];
  #current: T | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  /** `died` is told of each unwanted death and the pause before the replacement starts. */
  constructor(start: () => T, died: (code: number, pauseMs: number) => void) {
    this.#start = start;
    this.#died = died;
  }

  run(): void {
    const running = this.#start();
    this.#current = running;
    running.once('exit', (code) => {
      this.#current = undefined;
      if (this.#stopped) return;
      const now = Date.now();
      this.#deaths = [...this.#deaths.filter((at) => now - at < windowMs), now];
      const pause = restartPause(this.#deaths, now);
      this.#died(code, pause);
      if (pause === 0) this.run();
      else this.#timer = setTimeout(() => this.run(), pause);
    });
  }

  /** Kills the Worker; it is replaced. */
  async kill(): Promise<void> {
    await this.#current?.terminate();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#current?.terminate();
  }
}
