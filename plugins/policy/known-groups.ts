/** What is committed, in numbers, kept while groups come and go: admission must not look through all of them. */
import type { WeftObject } from '@weft/kernel/contract/system';
import type { SecurityGroup } from './kinds.ts';
import { rowCount } from './rule.ts';

/** Beyond are numbers of groups that are no objects. */
const lastNumber = 2 ** 31 - 1;

export class KnownGroups {
  readonly #used = new Set<number>();
  /** The highest number that was ever seen. */
  #highest = 0;
  #rows = 0;

  /** Rows of table `rule` of all groups. */
  get rows(): number {
    return this.#rows;
  }

  note(before: WeftObject | undefined, after: WeftObject | undefined): void {
    if (before?.kind === 'SecurityGroup') this.#remove(before as unknown as SecurityGroup);
    if (after?.kind === 'SecurityGroup') this.#add(after as unknown as SecurityGroup);
  }

  /** Free numbers, those last that somebody may have had: rows of a group that went may still be there. */
  *numbers(): Generator<number, never> {
    for (let number = this.#highest + 1; number <= lastNumber; number++) yield number;
    for (let number = 1; ; number++) if (!this.#used.has(number)) yield number;
  }

  #add(group: SecurityGroup): void {
    this.#used.add(group.status.id);
    this.#highest = Math.max(this.#highest, group.status.id);
    this.#rows += rowCount(group.spec.rules);
  }

  #remove(group: SecurityGroup): void {
    this.#used.delete(group.status.id);
    this.#rows -= rowCount(group.spec.rules);
  }
}
