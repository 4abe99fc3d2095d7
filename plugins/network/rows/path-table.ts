/** What several sources say about destinations, so that a change of one source tells which destinations to decide anew. */
export class PathTable<Path> {
  readonly #keyOf: (path: Path) => string;
  /** Destinations by source, and the paths of each source by destination. */
  readonly #keysOf = new Map<string, ReadonlySet<string>>();
  readonly #paths = new Map<string, Map<string, readonly Path[]>>();

  /** `keyOf`: the destination of a path. */
  constructor(keyOf: (path: Path) => string) {
    this.#keyOf = keyOf;
  }

  /** Makes `paths` all that the source says; returns the destinations that it spoke of before or speaks of now. */
  set(source: string, paths: readonly Path[]): ReadonlySet<string> {
    const wanted = Map.groupBy(paths, this.#keyOf);
    const before = this.#keysOf.get(source) ?? new Set<string>();
    for (const key of before) if (!wanted.has(key)) this.#remove(key, source);
    for (const [key, given] of wanted) {
      const known = this.#paths.get(key);
      if (known) known.set(source, given);
      else this.#paths.set(key, new Map([[source, given]]));
    }
    const now = new Set(wanted.keys());
    if (now.size === 0) this.#keysOf.delete(source);
    else this.#keysOf.set(source, now);
    return now.union(before);
  }

  /** The paths to a destination, in no order that means anything. */
  at(key: string): readonly Path[] {
    return [...(this.#paths.get(key)?.values() ?? [])].flat();
  }

  keys(): Iterable<string> {
    return this.#paths.keys();
  }

  #remove(key: string, source: string): void {
    const paths = this.#paths.get(key);
    paths?.delete(source);
    if (paths?.size === 0) this.#paths.delete(key);
  }
}

/** Of paths that may be used together or not at all: those with the lowest preference, in the order of their ids. */
export function preferred<Path extends { readonly preference: number; readonly pathId: string }>(paths: readonly Path[]): readonly Path[] {
  const best = Math.min(...paths.map(({ preference }) => preference));
  const chosen = paths.filter(({ preference }) => preference === best);
  return chosen.sort((a, b) => (a.pathId < b.pathId ? -1 : Number(a.pathId > b.pathId)));
}
