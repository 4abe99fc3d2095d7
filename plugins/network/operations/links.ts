/** Names of the forwarder's ports for people: which Port or Trunk has which number. */
import type { Port, Trunk } from '@weft/kernel/contract/net';
import { fail, type ObjectCache, type OperationCall } from '@weft/kernel/sdk';
import { Type } from 'typebox';

/** Project of a call that asks for all of them. */
const allProjects = '-';

export interface Link {
  readonly project: string;
  readonly port: string;
  readonly kind: string;
}

/** With its number in the forwarder. */
export interface NumberedLink extends Link {
  readonly id: number;
}

export const linkFields = {
  project: Type.String({ description: 'Project of the port.' }),
  port: Type.String({ description: 'Name of the Port or Trunk; (no port), (a service port) or (port N, no object) where there is none.' }),
  kind: Type.String({ description: 'Port or Trunk.' }),
};

export const portInput = Type.Object(
  { port: Type.Optional(Type.String({ description: 'Only this Port or Trunk.' })) },
  { additionalProperties: false },
);

export function inProject(project: string, wanted: string): boolean {
  return wanted === allProjects || project === wanted;
}

/** Ports and Trunks that a call may see, by number; of one name only, when given. */
export function linksOf(cache: Pick<ObjectCache, 'list'>, project: string, name?: string): ReadonlyMap<number, Link> {
  const links = [...cache.list<Port>('Port'), ...cache.list<Trunk>('Trunk')];
  return new Map(
    links
      .filter(({ metadata }) => inProject(metadata.project ?? '', project) && (name === undefined || metadata.name === name))
      .map(({ kind, metadata, status }) => [status.id, { project: metadata.project ?? '', port: metadata.name, kind }]),
  );
}

/** PROJECT/NAME of an object for this caller, who learns no names of projects that are not his. */
export function nameFor({ projects }: Pick<OperationCall, 'projects'>, project: string, name: string, kind: string): string {
  return projects === undefined || projects.includes(project) ? `${project}/${name}` : `a ${kind} of another project`;
}

/** The Port or Trunk with this name in a project. Throws NOT_FOUND, and CONFLICT when all projects are asked and several have one. */
export function oneLink(cache: Pick<ObjectCache, 'list'>, project: string, name: string): NumberedLink {
  const [first, second] = linksOf(cache, project, name);
  if (first === undefined) throw fail('NOT_FOUND', `no Port or Trunk ${name} in project ${project}`, 'list them with: weft get port');
  if (second !== undefined) throw fail('CONFLICT', `several ports are called ${name}`, 'name one project with --project');
  return { id: first[0], ...first[1] };
}
