/** Who has something, such as an address or a number. Nearly always it is one, so that a set is made for the second only. */
export class Holders<Thing> {
  readonly #titles = new Map<Thing, string | Set<string>>();

  add(thing: Thing, title: string): void {
    const known = this.#titles.get(thing);
    if (known === undefined || known === title) this.#titles.set(thing, title);
    else if (typeof known === 'string') this.#titles.set(thing, new Set([known, title]));
    else known.add(title);
  }

  remove(thing: Thing, title: string): void {
    const known = this.#titles.get(thing);
    if (known === title) this.#titles.delete(thing);
    if (!(known instanceof Set)) return;
    known.delete(title);
    if (known.size === 0) this.#titles.delete(thing);
  }

  has(thing: Thing): boolean {
    return this.#titles.has(thing);
  }

  /** One that has it, but for those of `except`. */
  find(thing: Thing, except: ReadonlySet<string>): string | undefined {
    const known = this.#titles.get(thing);
    if (known === undefined) return undefined;
    if (typeof known === 'string') return except.has(known) ? undefined : known;
    return known.values().find((title) => !except.has(title));
  }
}
