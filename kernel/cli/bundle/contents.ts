/** What a support bundle holds, and what it does not and why. */

export interface BundleFile {
  /** Below the bundle's folder. */
  readonly path: string;
  readonly text: string;
}

/** Told in the manifest. */
export interface LeftOut {
  readonly what: string;
  readonly why: string;
}

/** One part of the bundle. A part that fails is missing, the others stay. */
export interface Section {
  readonly name: string;
  readonly collect: (contents: Contents) => Promise<void>;
}

export class Contents {
  readonly #files = new Map<string, string>();
  readonly #leftOut = new Map<string, LeftOut>();
  #section = '';
  readonly #sections: { name: string; files: string[]; missing?: string }[] = [];

  /** Runs the sections one after the other. */
  async collect(sections: readonly Section[]): Promise<void> {
    for (const { name, collect } of sections) {
      this.#section = name;
      this.#sections.push({ name, files: [] });
      try {
        await collect(this);
      } catch (thrown) {
        const last = this.#sections.at(-1);
        if (last !== undefined) last.missing = thrown instanceof Error ? thrown.message.replace(/^error: /, '') : String(thrown);
      }
    }
  }

  add(path: string, content: unknown): void {
    this.#files.set(path, typeof content === 'string' ? content : `${JSON.stringify(content, null, 2)}\n`);
    this.#sections.at(-1)?.files.push(path);
  }

  leaveOut(what: string, why: string): void {
    this.#leftOut.set(`${this.#section} ${what}`, { what: `${this.#section}: ${what}`, why });
  }

  /** Names of the sections that could not be collected, by the reason. */
  get missing(): ReadonlyMap<string, readonly string[]> {
    const missing = this.#sections.filter((section) => section.missing !== undefined);
    return new Map(
      [...Map.groupBy(missing, (section) => section.missing ?? '')].map(([why, sections]) => [why, sections.map(({ name }) => name)]),
    );
  }

  /** All files, and the manifest that lists them. */
  files(madeBy: object): BundleFile[] {
    const manifest = { ...madeBy, sections: this.#sections, leftOut: [...this.#leftOut.values()] };
    const files = [...this.#files].map(([path, text]) => ({ path, text }));
    return [{ path: 'manifest.json', text: `${JSON.stringify(manifest, null, 2)}\n` }, ...files];
  }
}
