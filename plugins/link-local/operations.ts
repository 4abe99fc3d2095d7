/** What operators can ask the plugin. */
import type { OperationSpec } from '@weft/kernel/contract/system';
import { Type } from 'typebox';

const line = Type.Object({
  project: Type.String({ description: 'Project of the LinkLocalService' }),
  service: Type.String({ description: 'Its name' }),
  address: Type.String({ description: 'Address that VMs ask' }),
  port: Type.Integer({ description: 'Port that VMs ask' }),
  protocol: Type.String({ description: 'tcp or udp' }),
  upstream: Type.String({ description: 'Address and port of a server, or a name that has no address' }),
  state: Type.Enum(['up', 'down'], { description: 'down: it failed when last asked' }),
  error: Type.String({ description: 'Why it is down; empty when it is up' }),
  open: Type.Integer({ description: 'Sessions of the service at present, over all upstreams' }),
  total: Type.Integer({ description: 'Sessions since the plugin started' }),
});

export const linkLocalOperations: readonly OperationSpec[] = [
  {
    name: 'upstreams',
    summary: 'Show the servers behind the LinkLocalServices of a project, and whether they answer.',
    stream: false,
    viewer: true,
    input: Type.Object({}, { additionalProperties: false }),
    output: Type.Object({ items: Type.Array(line, { description: 'One for each upstream' }) }),
    bundle: true,
    cli: {
      verb: 'link-local',
      columns: [
        { title: 'PROJECT', pointer: '/project' },
        { title: 'SERVICE', pointer: '/service' },
        { title: 'ADDRESS', pointer: '/address' },
        { title: 'PORT', pointer: '/port' },
        { title: 'PROTOCOL', pointer: '/protocol' },
        { title: 'UPSTREAM', pointer: '/upstream' },
        { title: 'STATE', pointer: '/state' },
        { title: 'OPEN', pointer: '/open' },
        { title: 'TOTAL', pointer: '/total' },
        { title: 'ERROR', pointer: '/error' },
      ],
    },
  },
];
