/** What happened to requests, counted for all ports. */
import type { Policy } from '../policy.ts';

export const refusalReasons = ['unknown', 'connections', 'rate', 'pending', 'malformed', 'slow'] as const;
export type RefusalReason = (typeof refusalReasons)[number];

export class Tally {
  readonly refusals = new Map<RefusalReason, number>();
  /** By mode and class of status: `builtin 2xx`. */
  readonly responses = new Map<string, number>();

  refused(reason: RefusalReason): void {
    this.refusals.set(reason, (this.refusals.get(reason) ?? 0) + 1);
  }

  responded(mode: Policy['mode'], status: number): void {
    const key = `${mode} ${Math.floor(status / 100)}xx`;
    this.responses.set(key, (this.responses.get(key) ?? 0) + 1);
  }
}
