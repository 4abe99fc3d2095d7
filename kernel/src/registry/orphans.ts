/** Kinds that no plugin has any more, while objects of them are still there: the folder was taken away, or cannot be loaded. */
import type { KindSpec } from '../../contract/system/index.ts';
import type { RegisteredPlugin } from './registry.ts';

/** What is remembered of a kind from when it was served. */
export type RememberedKind = Pick<KindSpec, 'references'> & Partial<Pick<KindSpec, 'plural' | 'scope'>> & { readonly plugin?: string };

export interface OrphanKind extends Pick<KindSpec, 'kind' | 'plural' | 'scope' | 'references'> {
  readonly plugin: string;
}

/** @param counts objects by kind */
export function orphansAmong(
  remembered: ReadonlyMap<string, RememberedKind>,
  isServed: (kind: string) => boolean,
  counts: Readonly<Record<string, number>>,
): readonly OrphanKind[] {
  return Object.keys(counts).flatMap((kind) => {
    const { plugin, plural, scope, references } = remembered.get(kind) ?? {};
    if (isServed(kind) || plugin === undefined || plural === undefined || scope === undefined || references === undefined) return [];
    return [{ kind, plural, scope, references, plugin }];
  });
}

/** Why nobody serves it. @param plugin as it is now */
export function orphanReason({ plugin: name }: OrphanKind, plugin: RegisteredPlugin | undefined): string {
  if (plugin === undefined) return `the plugin ${name} is not installed`;
  return plugin.problem === null ? `the plugin ${name} has it no longer` : `the plugin ${name} cannot be loaded: ${plugin.problem}`;
}
