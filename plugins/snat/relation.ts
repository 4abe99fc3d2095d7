/** Who names what, readable from both ends. */
export class Relation {
  readonly #targets = new Map<string, readonly string[]>();
  readonly #sources = new Map<string, Set<string>>();

  /** What `source` names from now on. */
  set(source: string, targets: readonly string[]): void {
    for (const target of this.targetsOf(source)) {
      const sources = this.#sources.get(target);
      sources?.delete(source);
      if (sources?.size === 0) this.#sources.delete(target);
    }
    if (targets.length === 0) this.#targets.delete(source);
    else this.#targets.set(source, targets);
    for (const target of targets) {
      const sources = this.#sources.get(target);
      if (sources === undefined) this.#sources.set(target, new Set([source]));
      else sources.add(source);
    }
  }

  targetsOf(source: string): readonly string[] {
    return this.#targets.get(source) ?? [];
  }

  /** Those that name it. */
  sourcesOf(target: string): ReadonlySet<string> {
    return this.#sources.get(target) ?? nobody;
  }
}

const nobody: ReadonlySet<string> = new Set();
