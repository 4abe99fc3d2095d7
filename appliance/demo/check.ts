/** A check of the demo: it drives real clients inside the VMs and says in a few words what it saw. */
import type { Result } from '../run/appliance.ts';

export interface Check {
  readonly name: string;
  /** What was seen; an exception carries what went wrong. */
  run(): Promise<string>;
}

/** Runs a program inside a VM of the lab. */
export type Exec = (vm: string, command: readonly string[], timeoutMs?: number) => Promise<Result>;

export function expect(condition: boolean, result: Result | string): asserts condition {
  if (condition) return;
  throw new Error(
    typeof result === 'string' ? result : `exit ${result.code}: ${(result.stdout + result.stderr).trim().split('\n').slice(-6).join('\n')}`,
  );
}

/** A check that a command prints exactly `wanted`. */
export function prints(exec: Exec, vm: string, what: string, command: readonly string[], wanted: string): Check {
  return {
    name: `${vm}: ${what}`,
    run: async () => {
      const result = await exec(vm, command);
      const printed = result.stdout.trim();
      expect(result.code === 0 && printed === wanted, result.code === 0 ? `"${printed}", wanted "${wanted}"` : result);
      return printed.replaceAll('\n', ', ') || 'nothing, as it should';
    },
  };
}
