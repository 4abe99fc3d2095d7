/** Names that objects say of each other: which they are, and who says them. */
import {
  defaultProject,
  formatKey,
  type ObjectKey,
  type ReferenceSpec,
  referencedKey,
  type WeftObject,
} from '../../contract/system/index.ts';
import type { Registry } from '../registry/index.ts';

export interface Reference {
  /** JSON pointer of the field that says it. */
  readonly pointer: string;
  readonly target: ObjectKey;
}

/** All references of an object, its project first. Values that are absent are none. */
export function referencesOf(registry: Registry, object: Pick<WeftObject, 'kind' | 'metadata' | 'spec'>): Reference[] {
  const { project } = object.metadata;
  const own = project === undefined ? [] : [{ pointer: '/metadata/project', target: { kind: 'Project', name: project } }];
  const specs = registry.referencesOf(object.kind);
  return [...own, ...specs.flatMap((spec) => valuesAt(object, spec.pointer).map((at) => resolve(registry, spec, at, project)))];
}

export function targetsOf(registry: Registry, object: WeftObject): ObjectKey[] {
  return referencesOf(registry, object).map(({ target }) => target);
}

function resolve(registry: Registry, spec: ReferenceSpec, at: { pointer: string; value: string }, project: string | undefined): Reference {
  const target = registry.isSystemWide(spec.kind)
    ? { kind: spec.kind, name: at.value }
    : referencedKey(spec.kind, at.value, project ?? defaultProject);
  return { pointer: at.pointer, target };
}

/** Text values at a pointer in which `*` stands for every item of a list. */
function valuesAt(object: object, pattern: string): { pointer: string; value: string }[] {
  let found: { pointer: string; value: unknown }[] = [{ pointer: '', value: object }];
  for (const step of pattern.split('/').slice(1)) {
    found = found.flatMap(({ pointer, value }) => {
      if (typeof value !== 'object' || value === null) return [];
      if (step === '*') return Object.entries(value).map(([index, item]) => ({ pointer: `${pointer}/${index}`, value: item as unknown }));
      return step in value ? [{ pointer: `${pointer}/${step}`, value: (value as Record<string, unknown>)[step] }] : [];
    });
  }
  return found.filter((one): one is { pointer: string; value: string } => typeof one.value === 'string');
}

/** Which objects name an object: kept up to date with the store, so that a delete need not read it all. */
export class KeyIndex {
  readonly #targetsOf: (object: WeftObject) => readonly ObjectKey[];
  /** Target → those that name it. */
  readonly #sources = new Map<string, Map<string, ObjectKey>>();

  /** @param targetsOf the objects that an object names */
  constructor(targetsOf: (object: WeftObject) => readonly ObjectKey[]) {
    this.#targetsOf = targetsOf;
  }

  add(object: WeftObject, key: ObjectKey): void {
    const source = formatKey(key);
    for (const target of this.#targetsOf(object)) {
      const id = formatKey(target);
      const sources = this.#sources.get(id) ?? new Map<string, ObjectKey>();
      this.#sources.set(id, sources.set(source, key));
    }
  }

  remove(object: WeftObject, key: ObjectKey): void {
    for (const target of this.#targetsOf(object)) {
      const id = formatKey(target);
      const sources = this.#sources.get(id);
      sources?.delete(formatKey(key));
      if (sources?.size === 0) this.#sources.delete(id);
    }
  }

  of(target: ObjectKey): readonly ObjectKey[] {
    return [...(this.#sources.get(formatKey(target))?.values() ?? [])];
  }
}
