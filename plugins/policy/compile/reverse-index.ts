/** Who names what, both ways. */
export class ReverseIndex {
  readonly #targets = new Map<string, readonly string[]>();
  readonly #sources = new Map<string, Set<string>>();

  /** What `source` names from now on. Returns all that it names or has named, when that differs. */
  set(source: string, targets: readonly string[]): readonly string[] {
    const before = this.#targets.get(source) ?? [];
    if (before.length === targets.length && before.every((target, index) => target === targets[index])) return [];
    for (const target of before) this.#remove(target, source);
    for (const target of targets) this.#add(target, source);
    if (targets.length > 0) this.#targets.set(source, targets);
    else this.#targets.delete(source);
    return [...before, ...targets];
  }

  /** Those that name it. */
  of(target: string): ReadonlySet<string> {
    return this.#sources.get(target) ?? new Set();
  }

  #add(target: string, source: string): void {
    const sources = this.#sources.get(target);
    if (sources === undefined) this.#sources.set(target, new Set([source]));
    else sources.add(source);
  }

  #remove(target: string, source: string): void {
    const sources = this.#sources.get(target);
    sources?.delete(source);
    if (sources?.size === 0) this.#sources.delete(target);
  }
}
