/** Lets the messages of one socket be handled at a pace that leaves room for everybody else. */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { Budget } from './budget.ts';
import { loopBurstMs, loopShare, turnMs } from './limits.ts';
import type { OnRefused } from './refusals.ts';

export class Pace {
  readonly #budget: Budget;
  readonly #onRefused: OnRefused;
  #turnBegan = performance.now();

  constructor(onRefused: OnRefused, budget = new Budget({ share: loopShare, burstMs: loopBurstMs })) {
    this.#onRefused = onRefused;
    this.#budget = budget;
  }

  /** Does what a message asks for at once, on the peer's account: time of the processor, for on a busy machine this thread stands still through no fault of its peer. */
  charge<T>(work: () => T): T {
    const began = process.threadCpuUsage();
    try {
      return work();
    } finally {
      const { user, system } = process.threadCpuUsage(began);
      this.#budget.spend((user + system) / 1_000);
    }
  }

  /** Resolves when the next message may be handled. Until then nothing is read, and the sender has to wait. */
  async next(): Promise<void> {
    const pause = this.#budget.pauseMs();
    if (pause > 0) {
      this.#onRefused('flood', `it took more than its share of the time of this process and waits for ${Math.ceil(pause)} ms`);
      await sleep(pause);
    } else if (performance.now() - this.#turnBegan < turnMs) return;
    // ZeroMQ gives what waits without a turn of the event loop.
    else await nextTurn();
    this.#turnBegan = performance.now();
  }
}
