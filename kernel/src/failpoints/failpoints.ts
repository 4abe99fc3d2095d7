/**
 * Places where a test may kill, break or slow the kernel. Nothing is armed in a product: only the handoff of the process can, which no user, no
 * configuration file and no call of the API writes. Unarmed, a failpoint costs one look at an empty map.
 */
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail } from '../../contract/system/index.ts';

/** Every failpoint of the kernel, once. */
export const failpoints = [
  'boot.before-serve',
  'boot.before-ready',
  'bus.before-key',
  'api.request',
  'api.before-answer',
  'apply.before-plan',
  'apply.before-commit',
  'apply.after-commit',
  'apply.before-status',
  'admit.before-ask',
  'admit.after-reply',
  'store.before-write',
  'store.before-sync',
  'store.after-sync',
  'store.before-notice',
  'store.before-setting',
  'store.before-setting-sync',
  'watch.before-batch',
  'watch.after-batch',
  'trial.over',
  'trial.before-revert',
  'trial.after-revert',
  'trial.before-decide',
  'trial.after-decide',
  'session.hello',
  'session.ready',
  'session.before-list',
  'session.after-status',
  'supervisor.before-want',
  'supervisor.child-ended',
] as const;

export type FailpointName = (typeof failpoints)[number];

interface Armed {
  readonly action: 'kill' | 'throw' | 'delay';
  readonly delayMs: number;
  /** Only this pass acts, counted from 1; null: each. */
  readonly nth: number | null;
  passes: number;
}

const armed = new Map<string, Armed>();

/** `store.before-sync=kill@3`: at the third pass. `admit.after-reply=delay:50`: 50 ms at each. */
const form = /^([a-z.-]+)=(kill|throw|delay:(\d{1,5}))(?:@(\d{1,9}))?$/;

/**
 * @param text parted by commas; empty: none
 * @throws MALFORMED
 */
export function armFailpoints(text: string): void {
  for (const part of text.split(',').filter((one) => one !== '')) {
    const [, name = '', action = '', delay, nth] = form.exec(part) ?? [];
    if (!(failpoints as readonly string[]).includes(name))
      throw fail(
        'MALFORMED',
        `"${part}" arms no failpoint`,
        `write NAME=kill, throw or delay:MS, then maybe @N; names: ${failpoints.join(', ')}`,
      );
    armed.set(name, {
      action: action.startsWith('delay') ? 'delay' : (action as 'kill' | 'throw'),
      delayMs: Number(delay ?? 0),
      nth: nth === undefined ? null : Number(nth),
      passes: 0,
    });
  }
}

/** In code that does not wait: a delay blocks the whole process. */
export function failpoint(name: FailpointName): void {
  if (armed.size === 0) return;
  const ms = pass(name);
  if (ms > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** In code that waits anyway: a delay lets all else go on. */
export async function asyncFailpoint(name: FailpointName): Promise<void> {
  if (armed.size === 0) return;
  const ms = pass(name);
  if (ms > 0) await sleep(ms);
}

/** @returns how long to wait */
function pass(name: FailpointName): number {
  const found = armed.get(name);
  if (found === undefined) return 0;
  found.passes += 1;
  if (found.nth !== null && found.nth !== found.passes) return 0;
  // for the test that armed it: not the log, which a killed process may still hold
  writeSync(2, `failpoint ${name} ${found.action}\n`);
  if (found.action === 'kill') process.kill(process.pid, 'SIGKILL');
  if (found.action === 'throw') throw fail('INTERNAL', `the failpoint ${name} was armed to throw`);
  return found.delayMs;
}
