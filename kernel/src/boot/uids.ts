/** A uid of its own for each process, the same at every start. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Of the kernel; plugins follow. */
export const kernelUid = 64_000;

export class Uids {
  readonly #file: string;
  readonly #uids: Map<string, number>;

  constructor(stateDir: string) {
    this.#file = join(stateDir, 'uids.json');
    this.#uids = new Map(Object.entries(read(this.#file)));
  }

  /** Uid (and gid) of a plugin; the next free one at its first appearance. */
  of(plugin: string): number {
    const known = this.#uids.get(plugin);
    if (known !== undefined) return known;
    const uid = Math.max(kernelUid, ...this.#uids.values()) + 1;
    this.#uids.set(plugin, uid);
    // Whole or not at all: without it plugins could not enter their own folders any more.
    writeFileSync(`${this.#file}.new`, `${JSON.stringify(Object.fromEntries(this.#uids))}\n`);
    renameSync(`${this.#file}.new`, this.#file);
    return uid;
  }
}

function read(file: string): Record<string, number> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, number>;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw thrown;
  }
}
