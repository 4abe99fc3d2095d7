/** Which rules hold for a port: a number that is another one after each change of what the groups of such ports say. */
import { contentOfRules, type Groups, type Party } from './rules.ts';

interface Version {
  readonly content: string;
  readonly number: number;
}

const keyOf = ({ memberships = [] }: Party): string =>
  memberships
    .map(({ group, gate }) => `${group}/${gate}`)
    .sort()
    .join(' ');

export class Stamps {
  #versions: ReadonlyMap<string, Version> = new Map();
  #last = 0;

  /** Sets of groups that no port has are forgotten: who has them later has other numbers. */
  change(ports: readonly Party[], groups: Groups): void {
    const versions = new Map<string, Version>();
    for (const port of ports.filter(({ asks, memberships }) => asks && memberships !== undefined)) {
      const content = contentOfRules(groups, port.memberships ?? []);
      const before = this.#versions.get(keyOf(port));
      const known = versions.get(keyOf(port)) ?? (before?.content === content ? before : undefined);
      versions.set(keyOf(port), known ?? { content, number: ++this.#last });
    }
    this.#versions = versions;
  }

  of(port: Party): string {
    if (!port.asks || port.memberships === undefined) return port.asks ? 'pending' : 'open';
    return String(this.#versions.get(keyOf(port))?.number);
  }
}
