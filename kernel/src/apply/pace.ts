/** Long work on the event loop, with turns for others in between. */
import { setImmediate } from 'node:timers/promises';

/** What others wait at most, roughly. */
const turnMs = 10;

export class Pace {
  #begun = performance.now();

  /** To be awaited between parts of the work: lets others have their turn when the last one is long ago. */
  async step(): Promise<void> {
    if (performance.now() - this.#begun < turnMs) return;
    await setImmediate();
    this.#begun = performance.now();
  }
}
