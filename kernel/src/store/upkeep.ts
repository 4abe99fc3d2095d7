/** What is done to a store as a whole, at start or beside its daily work: conversions of kinds, backups. */
import type { KindSpec, WeftObject } from '../../contract/system/index.ts';
import { type BackupFacts, backupLines } from './backup.ts';
import { durably } from './durable.ts';
import { type Address, addressesOf, type Environment, schemaPrefix, schemasOf } from './environment.ts';
import type { LogEntry } from './log-entry.ts';
import type { Sealer } from './sealer.ts';

/** Entries that are held in memory at once while a kind is converted. */
const chunk = 500;

/** What the objects of a kind are written in, kept so that a program that does not know it can still go back. */
export type KindSchema = Pick<KindSpec, 'schemaVersion' | 'converters' | 'references'> &
  Partial<Pick<KindSpec, 'plural' | 'scope'>> & {
    /** Who serves it; like its place in the API of use once nobody does. */
    readonly plugin?: string;
  };

/** @param place `now`: the object as it is; `past`: as it was, in the log */
export type Rewrite = (object: WeftObject, place: 'now' | 'past') => WeftObject;

export class Upkeep {
  readonly #environment: Environment;
  readonly #sealer: Sealer | undefined;

  constructor(environment: Environment, sealer: Sealer | undefined) {
    this.#environment = environment;
    this.#sealer = sealer;
  }

  /** Of each kind that there ever was. */
  get schemas(): ReadonlyMap<string, KindSchema> {
    return schemasOf(this.#environment);
  }

  /** Resolves once it is on disk. */
  async rememberSchemas(schemas: ReadonlyMap<string, KindSchema>): Promise<void> {
    const { meta } = this.#environment;
    await durably(this.#environment, () => [...schemas].map(([kind, schema]) => meta.put(schemaPrefix + kind, schema)));
  }

  /** Version of the program that last had the store. */
  get program(): string | undefined {
    return this.#environment.meta.get('program') as string | undefined;
  }

  async rememberProgram(version: string): Promise<void> {
    const { meta } = this.#environment;
    await durably(this.#environment, () => [meta.put('program', version)]);
  }

  /**
   * Writes every object of a kind anew, in the log too, which is no change that anybody hears of: only before anything is served. All or nothing:
   * what `rewrite` throws is thrown, and nothing has changed.
   * @param before awaited when it is known that nothing throws
   */
  async convertKind(
    kind: string,
    schema: KindSchema,
    rewrite: Rewrite,
    before: (environment: Environment) => Promise<void> = () => Promise.resolve(),
  ): Promise<void> {
    const { root, meta, objects, log } = this.#environment;
    const sealed: Rewrite = (object, place) => {
      const converted = rewrite(this.#sealer?.open(object) ?? object, place);
      return this.#sealer?.seal(converted) ?? converted;
    };
    for (const _ of this.#rewritten(kind, sealed));
    for (const _ of this.#rewrittenLog(kind, sealed));
    await before(this.#environment);
    root.transactionSync(() => {
      for (const [address, object] of this.#rewritten(kind, sealed)) objects.putSync(address, object);
      for (const [revision, entry] of this.#rewrittenLog(kind, sealed)) log.putSync(revision, entry);
      meta.putSync(schemaPrefix + kind, schema);
    });
    await root.flushed;
  }

  *#rewritten(kind: string, rewrite: Rewrite): Generator<[Address, WeftObject]> {
    const { objects } = this.#environment;
    for (const address of [...objects.getKeys(addressesOf(kind))]) {
      const object = objects.get(address);
      if (object !== undefined) yield [address, rewrite(object, 'now')];
    }
  }

  *#rewrittenLog(kind: string, rewrite: Rewrite): Generator<[revision: number, LogEntry]> {
    const { log } = this.#environment;
    for (let next = 0; ; ) {
      const entries = [...log.getRange({ start: next, limit: chunk })];
      for (const { key, value } of entries) {
        if (value.object.kind !== kind) continue;
        const before = value.before ? { before: rewrite(value.before, 'past') } : {};
        yield [key, { ...value, object: rewrite(value.object, 'past'), ...before }];
      }
      const last = entries.at(-1);
      if (last === undefined) return;
      next = last.key + 1;
    }
  }

  /** Everything as it is now, as lines of text, whatever is written meanwhile. */
  backup(facts: BackupFacts): AsyncGenerator<string> {
    return backupLines(this.#environment, facts);
  }
}
