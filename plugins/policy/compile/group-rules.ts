/** The rows of table `rule` of one group. A rule keeps its number while it says the same, and none gets the number of a former one: counters stay true. */
import type { Row, RowKey, RuleRow } from '@weft/kernel/contract/net';
import { contentKey, type RuleContent } from '../rule.ts';

export interface RowChange {
  readonly upserts: Row[];
  readonly deletes: RowKey[];
}

export class GroupRules {
  readonly #group: number;
  /** By content. */
  #rows = new Map<string, RuleRow>();
  #numbers: Map<string, number>;
  #next: number;

  /** @param known rows of this group in the forwarder: their numbers stay with what they say */
  constructor(group: number, known: readonly RuleRow[] = []) {
    this.#group = group;
    this.#numbers = new Map(known.map((row) => [contentKey(row), row.number]));
    this.#next = known.reduce((next, { number }) => Math.max(next, number + 1), 0);
  }

  get size(): number {
    return this.#rows.size;
  }

  rows(): Iterable<RuleRow> {
    return this.#rows.values();
  }

  /** Number of the row that says this. */
  numberOf(content: RuleContent): number | undefined {
    return this.#rows.get(contentKey(content))?.number;
  }

  /** Makes the contents the group's, equal ones once. */
  update(contents: Iterable<RuleContent>, change: RowChange): void {
    const rows = new Map<string, RuleRow>();
    for (const content of contents) {
      const key = contentKey(content);
      if (rows.has(key)) continue;
      const row = this.#rows.get(key) ?? this.#made(key, content);
      rows.set(key, row);
      if (!this.#rows.has(key)) change.upserts.push(row);
    }
    for (const [key, { table, group, number }] of this.#rows) if (!rows.has(key)) change.deletes.push({ table, group, number });
    this.#rows = rows;
    this.#numbers = new Map();
  }

  #made(key: string, content: RuleContent): RuleRow {
    return { table: 'rule', group: this.#group, number: this.#numbers.get(key) ?? this.#next++, ...content };
  }
}
