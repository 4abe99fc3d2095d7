/** The kinds that the running appliance knows, found by any of their names, and the paths of their objects. */
import { defaultProject, type KindSpec, type ObjectKey, type WeftObject } from '../contract/system/index.ts';
import type { Client } from './client.ts';
import { exitCodes, failure } from './errors.ts';

export type OwnedKind = KindSpec & { readonly plugin: string };

/** Which project a command speaks of; `all` reads every one. */
export interface Scope {
  readonly project: string;
  readonly all: boolean;
}

export async function readKinds(client: Client): Promise<readonly OwnedKind[]> {
  return await client.json<readonly OwnedKind[]>('/v1/kinds');
}

/** By kind, plural or alias; case and hyphens do not count. Throws with the names that exist. */
export function findKind(kinds: readonly OwnedKind[], name: string): OwnedKind {
  const wanted = plain(name);
  const found = kinds.find((kind) => [kind.kind, kind.plural, ...(kind.aliases ?? [])].some((known) => plain(known) === wanted));
  if (found !== undefined) return found;
  const known = kinds.map(({ kind }) => kind).sort();
  throw failure(`there is no kind "${name}"`, 'KIND', `use one of ${known.join(', ')}`);
}

export async function kindNamed(client: Client, name: string): Promise<OwnedKind> {
  return findKind(await readKinds(client), name);
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll('-', '');
}

/** Path of one object, or of the list without a name. Throws a usage error for one object of all projects. */
export function pathOf(kind: KindSpec, scope: Scope, name?: string): string {
  if (name !== undefined) refuseAll(kind, scope);
  const project = kind.scope === 'system' ? [] : [scope.all ? '-' : scope.project];
  return ['/v1', ...[...project, kind.plural, ...(name === undefined ? [] : [name])].map(encodeURIComponent)].join('/');
}

/** Identity of a named object of a kind in the scope's project. Throws a usage error for one of all projects. */
export function keyIn(kind: KindSpec, scope: Scope, name: string): ObjectKey {
  refuseAll(kind, scope);
  return kind.scope === 'system' ? { kind: kind.kind, name } : { kind: kind.kind, project: scope.project, name };
}

/** The same name may stand in several projects. */
function refuseAll(kind: KindSpec, { all }: Scope): void {
  if (all && kind.scope === 'project')
    throw failure('-A names no project', kind.kind, 'name the project of the object: --project', exitCodes.usage);
}

/** The scope that the global options `--project` and `-A` say. */
export function scopeOf(options: { project?: string; allProjects?: boolean }): Scope {
  return { project: options.project ?? defaultProject, all: options.allProjects === true };
}

/** How an object is called among those of the scope: with its project when there are several. */
export function nameIn(scope: Scope): (object: WeftObject) => string {
  return ({ metadata: { project, name } }) => (scope.all && project !== undefined ? `${project}/${name}` : name);
}
