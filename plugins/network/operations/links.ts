/** Names of the forwarder's ports for people: which Port or Trunk has which number. */
import type { Port, Trunk } from '@weft/kernel/contract/net';
import type { ObjectCache } from '@weft/kernel/sdk';
import { Type } from 'typebox';

/** Project of a call that asks for all of them. */
const allProjects = '-';

export interface Link {
  readonly project: string;
  readonly port: string;
  readonly kind: string;
}

export const linkFields = {
  project: Type.String({ description: 'Project of the port.' }),
  port: Type.String({ description: 'Name of the Port or Trunk.' }),
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
