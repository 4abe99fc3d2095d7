/** `weft denials`: what rules have denied, and what they deny now. */
import type { OperationSpec } from '@weft/kernel/contract/system';
import { fail, type OperationCall } from '@weft/kernel/sdk';
import { type Static, Type } from 'typebox';
import { type Denial, denialSchema } from './denial.ts';
import type { Denials } from './denials.ts';

const input = Type.Object(
  {
    port: Type.Optional(Type.String({ description: 'Only what rules of this Port denied.' })),
    follow: Type.Optional(Type.Boolean({ description: 'Go on with what is denied from now on.' })),
  },
  { additionalProperties: false },
);

const output = Type.Object({ items: Type.Array(denialSchema, { description: 'Some of them, the oldest first; further parts follow.' }) });

export const denialsSpec: OperationSpec = {
  name: 'denials',
  summary: 'Packets that security groups denied lately: at the port whose rules denied them, and which groups were asked',
  stream: true,
  viewer: true,
  input,
  output,
  cli: {
    verb: 'denials',
    parts: { endless: 'follow' },
    columns: [
      { title: 'TIME', pointer: '/time' },
      { title: 'PROJECT', pointer: '/project' },
      { title: 'PORT', pointer: '/port' },
      { title: 'DIRECTION', pointer: '/direction' },
      { title: 'PROTOCOL', pointer: '/protocol' },
      { title: 'FROM', pointer: '/src' },
      { title: 'SPORT', pointer: '/srcPort' },
      { title: 'TO', pointer: '/dst' },
      { title: 'DPORT', pointer: '/dstPort' },
      { title: 'TYPE', pointer: '/icmpType' },
      { title: 'REASON', pointer: '/reason' },
      { title: 'GROUPS', pointer: '/groups' },
      { title: 'LOST', pointer: '/lost' },
      { title: 'TEXT', pointer: '/text', wide: true },
    ],
  },
};

/** @param hasPort whether a project (`-`: any) has a Port with a name */
export async function* tellDenials(
  denials: Denials,
  hasPort: (project: string, name: string) => boolean,
  { port, follow = false }: Static<typeof input>,
  { project, projects, signal }: OperationCall,
): AsyncGenerator<Static<typeof output>> {
  const isMeant = (denial: Denial): boolean =>
    (project === '-' || denial.project === project) &&
    projects?.includes(denial.project) !== false &&
    (port === undefined || denial.port === port);
  if (port !== undefined && !hasPort(project, port) && !denials.list().some(isMeant))
    throw fail('NOT_FOUND', `no Port ${port} in project ${project}`, 'list them with: weft get port');
  for await (const part of follow ? denials.follow(signal) : [denials.list()]) {
    const items = part.filter(isMeant);
    if (items.length > 0) yield { items };
  }
}
