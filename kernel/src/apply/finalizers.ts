/** Objects on their way out: deleted, they stay until the plugins that hold them have put away what they made for them. */
import type { WeftObject } from '../../contract/system/index.ts';
import type { Registry } from '../registry/index.ts';

/** Somebody asked to delete it, and it is still there. */
export function isDying({ metadata }: WeftObject): boolean {
  return metadata.deletedAt !== undefined;
}

/** The object, unless it is gone or on its way. */
export function living(object: WeftObject | null | undefined): WeftObject | null {
  return object == null || isDying(object) ? null : object;
}

/** The object with the finalizers that its kind asks for by now. */
export function withFinalizers(registry: Registry, object: WeftObject): WeftObject {
  const wanted = finalizersOf(registry, object);
  const { finalizers: _, ...metadata } = object.metadata;
  return { ...object, metadata: wanted.length === 0 ? metadata : { ...metadata, finalizers: wanted } };
}

/** The object as somebody deletes it. */
export function dying(registry: Registry, object: WeftObject, deletedAt: string): WeftObject {
  const asked = withFinalizers(registry, object);
  return { ...asked, metadata: { ...asked.metadata, deletedAt } };
}

/** The object once a plugin has put away what it made for it. */
export function withoutFinalizer(object: WeftObject, plugin: string): WeftObject {
  const { finalizers = [], ...metadata } = object.metadata;
  const left = finalizers.filter((name) => name !== plugin);
  return { ...object, metadata: left.length === 0 ? metadata : { ...metadata, finalizers: left } };
}

/** The plugins that still hold a dying object. One that was taken away, or whose kind asks for it no longer, holds nothing. */
export function holdersOf(registry: Registry, object: WeftObject): readonly string[] {
  const wanted = finalizersOf(registry, object);
  return (object.metadata.finalizers ?? []).filter((name) => wanted.includes(name));
}

function finalizersOf(registry: Registry, { kind, metadata }: WeftObject): readonly string[] {
  const registered = registry.kind(kind);
  // a plugin that cannot be loaded at the moment has no kinds, and its objects keep what they have
  if (registered === undefined) return (metadata.finalizers ?? []).filter((name) => registry.plugin(name) !== undefined);
  return registered.spec.finalizer === true ? [registered.plugin] : [];
}
