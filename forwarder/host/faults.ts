/** Faults on demand, for acceptance tests only: served on control channels when the setting `debug.faults` is true, unknown otherwise. */
import { fail, type Unary } from '@weft/kernel/contract/system';

export interface FaultCalls {
  /** Blocks the event loop of one isolate; answers before it does. */
  readonly 'debug.block': Unary<{ ms: number; where: 'main' | 'worker' }, Record<string, never>>;
  /** Kills the Worker, as if it had run out of memory. */
  readonly 'debug.killWorker': Unary<Record<string, never>, Record<string, never>>;
}

const longestMs = 60_000;
/** Time for the answer to leave. */
const answerMs = 20;

/** Blocks the calling thread without using the CPU. */
export function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

export function faultHandlers(blockWorker: (ms: number) => void, killWorker: () => Promise<void>) {
  return {
    'debug.block': ({ ms, where }: FaultCalls['debug.block']['in']): Record<string, never> => {
      if (!Number.isInteger(ms) || ms < 1 || ms > longestMs)
        throw fail('INVALID', `ms is ${ms}`, `give a whole number from 1 to ${longestMs}`);
      if (where === 'worker') blockWorker(ms);
      else setTimeout(() => block(ms), answerMs);
      return {};
    },
    'debug.killWorker': async (): Promise<Record<string, never>> => {
      await killWorker();
      return {};
    },
  };
}
