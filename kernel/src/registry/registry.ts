/**
 * What there is: plugins in the order of their needs, their kinds and operations, each with its validators. Fixed once made, but for kinds that are
 * withdrawn at start.
 */
import { fail, type KindSpec, type OperationSpec, type WeftFailure } from '../../contract/system/index.ts';
import { builtinKinds, kernelOwner } from './builtin.ts';
import { converterProblem } from './converters.ts';
import type { FoundPlugin } from './manifest.ts';
import { suggestion } from './names.ts';
import { type OrphanKind, orphanReason } from './orphans.ts';
import { type Check, compileCheck, compileSchema, type Validator } from './schema.ts';

export interface RegisteredKind {
  readonly spec: KindSpec;
  /** The plugin that owns it, or `kernel`. */
  readonly plugin: string;
  /** Of `spec`; fills defaults. */
  readonly validate: Validator;
  readonly checkStatus: Check;
  /** Why its objects cannot be served: they are still written in another schema version. */
  readonly withdrawn?: string;
}

export interface RegisteredOperation {
  readonly spec: OperationSpec;
  readonly plugin: string;
  /** Of the input; fills defaults. */
  readonly validate: Validator;
}

export interface RegisteredPlugin extends FoundPlugin {
  /** Of its settings; absent when the manifest is bad. */
  readonly validateSettings?: Validator;
}

/** Words that stand where a plural or a project's name stands in URLs. */
export const reservedWords: readonly string[] = [
  'apply',
  'backup',
  'history',
  'kinds',
  'operations',
  'plugins',
  'rollback',
  'status',
  'trials',
  'watch',
  '-',
];

export class Registry {
  readonly #plugins = new Map<string, RegisteredPlugin>();
  readonly #kinds = new Map<string, RegisteredKind>();
  /** By kind, plural and alias, in lower case. */
  readonly #words = new Map<string, RegisteredKind>();
  readonly #operations = new Map<string, RegisteredOperation>();
  #orphans: readonly OrphanKind[] = [];

  constructor(found: readonly FoundPlugin[]) {
    for (const spec of builtinKinds) this.#addKind(compileKind(spec, kernelOwner));
    for (const plugin of inOrderOfNeeds(found)) this.#plugins.set(plugin.name, this.#register(plugin));
  }

  /** In the order of needs: the order of start and of admission. */
  get plugins(): readonly RegisteredPlugin[] {
    return [...this.#plugins.values()];
  }

  plugin(name: string): RegisteredPlugin | undefined {
    return this.#plugins.get(name);
  }

  get kinds(): readonly RegisteredKind[] {
    return [...this.#kinds.values()];
  }

  /** By the exact kind. */
  kind(kind: string): RegisteredKind | undefined {
    return this.#kinds.get(kind);
  }

  /** By kind, plural or alias, in any case. */
  find(word: string): RegisteredKind | undefined {
    return this.#words.get(word.toLowerCase());
  }

  /** @throws NOT_FOUND naming what there is; UNAVAILABLE when nobody serves it any more */
  require(word: string): RegisteredKind {
    const kind = this.find(word);
    if (kind !== undefined) return kind;
    const orphan = this.#orphans.find(({ kind, plural }) => [kind.toLowerCase(), plural].includes(word.toLowerCase()));
    if (orphan !== undefined) throw this.unserved(orphan);
    throw fail('NOT_FOUND', `there is no kind "${word}"`, suggestion(word, [...this.#kinds.keys()], 'kind'));
  }

  /** Kinds of objects that nobody serves any more. */
  get orphans(): readonly OrphanKind[] {
    return this.#orphans;
  }

  /** To be told once, at start. */
  set orphans(orphans: readonly OrphanKind[]) {
    this.#orphans = orphans;
  }

  unserved(orphan: OrphanKind): WeftFailure {
    const reason = orphanReason(orphan, this.plugin(orphan.plugin));
    const fix = `bring the plugin ${orphan.plugin} back and restart Weft; its objects may be deleted meanwhile`;
    return fail('UNAVAILABLE', `objects of the kind ${orphan.kind} are not served: ${reason}`, fix);
  }

  /** Of the objects of a kind. */
  referencesOf(kind: string): KindSpec['references'] {
    return this.#known(kind)?.references ?? [];
  }

  /** Whether its objects belong to no project. */
  isSystemWide(kind: string): boolean {
    return this.#known(kind)?.scope === 'system';
  }

  /** Its objects stay what they are and are not served. @param references that they are written with */
  withdraw(kind: string, reason: string, references: KindSpec['references']): void {
    const { spec, ...rest } = this.#exactly(kind);
    this.#addKind({ ...rest, spec: { ...spec, references }, withdrawn: reason });
  }

  /** @throws UNAVAILABLE when the kind was withdrawn */
  assertServed(kind: string): void {
    const reason = this.#kinds.get(kind)?.withdrawn;
    if (reason === undefined) return;
    throw fail(
      'UNAVAILABLE',
      `objects of the kind ${kind} are not served: ${reason}`,
      'see docs/guide/upgrades.md: a kind that does not fit',
    );
  }

  get operations(): readonly RegisteredOperation[] {
    return [...this.#operations.values()];
  }

  /** `plugin.name` @throws NOT_FOUND naming what there is. */
  requireOperation(word: string): RegisteredOperation {
    const operation = this.#operations.get(word);
    if (operation !== undefined) return operation;
    throw fail('NOT_FOUND', `there is no operation "${word}"`, suggestion(word, [...this.#operations.keys()], 'operation'));
  }

  /** The kinds a plugin may see: its own and those granted. */
  visibleKinds(plugin: string): ReadonlySet<string> {
    const own = this.kinds.filter((kind) => kind.plugin === plugin).map(({ spec }) => spec.kind);
    return new Set([...own, ...(this.#plugins.get(plugin)?.manifest?.grants.reads ?? [])]);
  }

  /** Served or not. */
  #known(kind: string): Pick<KindSpec, 'scope' | 'references'> | undefined {
    return this.#kinds.get(kind)?.spec ?? this.#orphans.find((orphan) => orphan.kind === kind);
  }

  #exactly(kind: string): RegisteredKind {
    const registered = this.#kinds.get(kind);
    if (registered === undefined) throw fail('INTERNAL', `there is no kind ${kind}`);
    return registered;
  }

  #register(found: FoundPlugin): RegisteredPlugin {
    const { manifest } = found;
    if (manifest === null || found.problem !== null) return { ...found, manifest: null };
    try {
      const broken = manifest.needs.find((need) => this.#plugins.get(need)?.problem != null);
      if (broken !== undefined) throw new Error(`needs the plugin "${broken}", which cannot be loaded`);
      const kinds = manifest.kinds.map((spec) => compileKind(spec, found.name));
      const operations = manifest.operations.map((spec) => ({
        spec,
        plugin: found.name,
        validate: compile(compileSchema, spec.input, `operation ${spec.name}`),
      }));
      const validateSettings = compile(compileSchema, manifest.config, 'config');
      for (const { spec } of kinds) this.#assertFree(spec);
      for (const kind of kinds) this.#addKind(kind);
      for (const operation of operations) this.#operations.set(`${found.name}.${operation.spec.name}`, operation);
      return { ...found, validateSettings };
    } catch (error) {
      return { ...found, manifest: null, problem: (error as Error).message };
    }
  }

  #assertFree(spec: KindSpec): void {
    for (const word of wordsOf(spec)) {
      if (reservedWords.includes(word)) throw new Error(`kind ${spec.kind}: the word "${word}" is reserved`);
      const taken = this.#words.get(word);
      if (taken !== undefined) {
        throw new Error(
          `kind ${spec.kind}: "${word}" already names the kind ${taken.spec.kind} of ${taken.plugin}: remove one of the two plugins`,
        );
      }
    }
  }

  #addKind(kind: RegisteredKind): void {
    this.#kinds.set(kind.spec.kind, kind);
    for (const word of wordsOf(kind.spec)) this.#words.set(word, kind);
  }
}

function wordsOf(spec: KindSpec): string[] {
  return [...new Set([spec.kind, spec.plural, ...(spec.aliases ?? [])].map((word) => word.toLowerCase()))];
}

function compileKind(spec: KindSpec, plugin: string): RegisteredKind {
  const problem = converterProblem(spec);
  if (problem !== null) throw new Error(problem);
  const validate = compile(compileSchema, spec.spec, `kind ${spec.kind}`);
  return { spec, plugin, validate, checkStatus: compile(compileCheck, spec.status, `status of the kind ${spec.kind}`) };
}

function compile<T>(compiler: (schema: object) => T, schema: object, what: string): T {
  try {
    return compiler(schema);
  } catch (error) {
    throw new Error(`${what}: its schema is not valid: ${(error as Error).message}`);
  }
}

/** Depth first by needs, then by name; of two folders with one name the first counts. Missing needs and cycles become problems of the plugins that have them. */
function inOrderOfNeeds(found: readonly FoundPlugin[]): FoundPlugin[] {
  const byName = new Map<string, FoundPlugin>();
  for (const plugin of found) if (!byName.has(plugin.name)) byName.set(plugin.name, plugin);
  const ordered = new Map<string, FoundPlugin>();
  const visit = (plugin: FoundPlugin, path: readonly string[]): void => {
    let { problem } = plugin;
    for (const need of plugin.manifest?.needs ?? []) {
      const needed = byName.get(need);
      if (needed === undefined) problem ??= `needs the plugin "${need}", which is not installed`;
      else if (path.includes(need)) problem ??= `needs itself: ${[...path.slice(path.indexOf(need)), need].join(' → ')}`;
      else if (!ordered.has(need)) visit(needed, [...path, need]);
    }
    if (!ordered.has(plugin.name)) ordered.set(plugin.name, { ...plugin, problem });
  };
  for (const plugin of byName.values()) if (!ordered.has(plugin.name)) visit(plugin, [plugin.name]);
  return [...ordered.values()];
}
