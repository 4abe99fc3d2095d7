/** What a subject may do, from its bindings. Pure. */
import { fail } from '../../contract/system/index.ts';
import type { Subject } from '../apply/index.ts';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'delete' | 'operate' | 'manage';
export type RoleName = 'viewer' | 'operator' | 'admin';

export interface Binding {
  readonly role: RoleName;
  /** null: everywhere, the system included. */
  readonly projects: ReadonlySet<string> | null;
}

export interface Identity {
  readonly subject: Subject;
  /** None: known, but without any right. */
  readonly bindings: readonly Binding[];
}

/** Stands in place of a project's name in a path: all that the caller may see. */
export const allProjects = '-';

export const readVerbs: readonly Verb[] = ['get', 'list', 'watch'];
/** Words of the API that tell nothing of any project. */
const descriptions: readonly string[] = ['kinds', 'operations', 'health', 'paths', 'documents'];
/** Kinds and words that only an administrator of the system may touch; viewers of the system may not even read those that are closed. */
const guarded: readonly string[] = ['Project', 'Role', 'Token', 'plugins'];
const closed: readonly string[] = ['history', 'trials', 'rollback', 'logs', 'audit', 'backup'];

/**
 * @param kind an object kind, or the API's own word for what is touched: `plugins`, `status`; `objects`: several, each of which is asked about again
 * @param project absent for what belongs to no project
 */
export function may(identity: Identity, verb: Verb, kind: string, project?: string): boolean {
  return identity.bindings.some((binding) => permits(binding, verb, kind, project));
}

/** Projects in which the caller may see something; null: all. */
export function visibleProjects({ bindings }: Identity): readonly string[] | null {
  const projects = new Set<string>();
  for (const binding of bindings) {
    if (binding.projects === null) return null;
    for (const project of binding.projects) projects.add(project);
  }
  return [...projects];
}

/** @throws FORBIDDEN, in the same words whether what is asked for exists or not */
export function authorize(identity: Identity, verb: Verb, kind: string, project?: string): void {
  if (may(identity, verb, kind, project)) return;
  const what = project === undefined || project === allProjects ? kind : `${kind} in project ${project.slice(0, 80)}`;
  const { kind: by, name } = identity.subject;
  const who = by === 'user' ? name : `the ${by} ${name}`;
  throw fail('FORBIDDEN', `${who} may not ${verb} ${what}`, 'ask an administrator for a Role, or run it as root');
}

function permits(binding: Binding, verb: Verb, kind: string, project: string | undefined): boolean {
  const { role, projects } = binding;
  if (role === 'admin' && projects === null) return true;
  const reads = readVerbs.includes(verb);
  if (descriptions.includes(kind) && project === undefined) return reads;
  // many objects at once: each is asked about again, by its own kind and project
  if (kind === 'objects') return reads || role !== 'viewer';
  if (project === undefined) return projects === null && ofSystem(role, verb, kind);
  const isList = verb === 'list' || verb === 'watch';
  if (project === allProjects) return isList || projects === null ? inProject(role, verb, kind) : false;
  return (projects === null || projects.has(project)) && inProject(role, verb, kind);
}

function ofSystem(role: RoleName, verb: Verb, kind: string): boolean {
  if (closed.includes(kind) || verb === 'manage') return false;
  return readVerbs.includes(verb) || (role === 'operator' && !guarded.includes(kind));
}

function inProject(role: RoleName, verb: Verb, kind: string): boolean {
  if (kind === 'Project') return readVerbs.includes(verb) || (role === 'admin' && verb === 'update');
  if (role === 'viewer') return readVerbs.includes(verb) && kind !== 'Secret';
  return verb !== 'manage';
}
