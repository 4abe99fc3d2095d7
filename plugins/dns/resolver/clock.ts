/** Time, so that tests can pretend it. Monotonic: a host's clock that is set neither prolongs nor ends anything. */

export interface Clock {
  /** Milliseconds since some start. */
  now(): number;
  /** Calls `run` once after so many milliseconds, unless the function returned was called before. Keeps no process alive. */
  after(ms: number, run: () => void): () => void;
}

export const hostClock: Clock = {
  now: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
