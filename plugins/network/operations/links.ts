/** Names of the forwarder's ports for people: which Port, Trunk or Uplink has which number. */
import type { Port, Trunk, Uplink } from '@weft/kernel/contract/net';
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
  project: Type.String({ description: 'Project of the port; empty for an Uplink, which has none.' }),
  port: Type.String({
    description: 'Name of the Port, Trunk or Uplink; (no port), (a service port) or (port N, no object) where there is none.',
  }),
  kind: Type.String({ description: 'Port, Trunk or Uplink.' }),
};

export const portInput = Type.Object(
  { port: Type.Optional(Type.String({ description: 'Only this Port, Trunk or Uplink.' })) },
  { additionalProperties: false },
);

export function inProject(project: string, wanted: string): boolean {
  return wanted === allProjects || project === wanted;
}

/** Who asks: the project, and what else he may see. */
export type Caller = Pick<OperationCall, 'project' | 'projects'>;

/** What passes an uplink is everybody's: only who may see all projects is told of it. */
const seesUplinks = ({ projects }: Caller): boolean => projects === undefined;

/** Ports, Trunks and Uplinks that a call may see, by number; of one name only, when given. */
export function linksOf(cache: Pick<ObjectCache, 'list'>, call: Caller, name?: string): ReadonlyMap<number, Link> {
  const own = [...allLinks(cache)].filter(([, { project, port, kind }]) => {
    if (name !== undefined && port !== name) return false;
    return kind === 'Uplink' ? seesUplinks(call) : inProject(project, call.project);
  });
  // A Port of the project goes before an Uplink of the same name.
  const namesOne = name !== undefined && own.some(([, { kind }]) => kind !== 'Uplink');
  return new Map(namesOne ? own.filter(([, { kind }]) => kind !== 'Uplink') : own);
}

/** All of them, to name them in answers. With a VLAN an uplink has two numbers: its own, and that of the port which carries it. */
export function allLinks(cache: Pick<ObjectCache, 'list'>): ReadonlyMap<number, Link> {
  const links = [...cache.list<Port>('Port'), ...cache.list<Trunk>('Trunk')];
  return new Map([
    ...links.map(({ kind, metadata, status }) => [status.id, { project: metadata.project ?? '', port: metadata.name, kind }] as const),
    ...cache.list<Uplink>('Uplink').flatMap(({ kind, metadata, status: { id, trunk } }) => {
      const own = [id, { project: '', port: metadata.name, kind }] as const;
      return trunk === undefined ? [own] : [own, [trunk, { project: '', port: `${metadata.name} (trunk)`, kind }] as const];
    }),
  ]);
}

/** PROJECT/NAME of an object for this caller, who learns no names of projects that are not his; of an Uplink `uplink NAME`. */
export function nameFor({ projects }: Pick<OperationCall, 'projects'>, project: string, name: string, kind: string): string {
  if (kind === 'Uplink') return `uplink ${name}`;
  return projects === undefined || projects.includes(project) ? `${project}/${name}` : `a ${kind} of another project`;
}

/** The Port, Trunk or Uplink with this name. Throws NOT_FOUND, and CONFLICT when all projects are asked and several have one. */
export function oneLink(cache: Pick<ObjectCache, 'list'>, call: Caller, name: string): NumberedLink {
  const [first, second] = linksOf(cache, call, name);
  if (first === undefined) throw noLink(call, name);
  if (second !== undefined) throw fail('CONFLICT', `several ports are called ${name}`, 'name one project with --project');
  return { id: first[0], ...first[1] };
}

/** Whether the caller may know what is inside of the project of a port; not of one that has gone, unless he may know of all. */
export function sees({ projects }: Pick<OperationCall, 'projects'>, link: Link | undefined): boolean {
  return projects === undefined || (link !== undefined && (link.kind === 'Uplink' || projects.includes(link.project)));
}

export function noLink(call: Caller, name: string): Error {
  const kinds = seesUplinks(call) ? 'Port, Trunk or Uplink' : 'Port or Trunk';
  return fail('NOT_FOUND', `no ${kinds} ${name} in project ${call.project}`, 'list them with: weft get port');
}
