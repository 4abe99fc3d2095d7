/** What operators can ask the plugin. */
import type { OperationSpec } from '@weft/kernel/contract/system';
import type { OperationCall } from '@weft/kernel/sdk';
import { Type } from 'typebox';
import type { Account } from './http/account.ts';

const item = Type.Object({
  project: Type.String({ description: 'Project of the port' }),
  port: Type.String({ description: 'Name of the Port' }),
  network: Type.String({ description: 'Its VirtualNetwork' }),
  mode: Type.String({ description: 'How the last request was answered: builtin, proxy or none; empty before the first' }),
  connections: Type.Integer({ description: 'Connections that are open' }),
  requests: Type.Integer({ description: 'Requests since the plugin started' }),
  refused: Type.Integer({ description: 'Requests and connections beyond the limits, or malformed' }),
  lastStatus: Type.Integer({ description: 'HTTP status of the last answer; 0 before the first' }),
  lastError: Type.String({ description: 'What went wrong last, for the operator; empty when nothing has' }),
  lastAt: Type.String({ description: 'When the last answer was given, ISO 8601; empty before the first' }),
});

export const metadataOperations: readonly OperationSpec[] = [
  {
    name: 'requests',
    summary: 'Show what became of the metadata requests of each port since the plugin started.',
    stream: false,
    viewer: true,
    input: Type.Object({}, { additionalProperties: false }),
    output: Type.Object({ items: Type.Array(item, { description: 'One for each port that has asked' }) }),
    bundle: true,
    cli: {
      verb: 'metadata',
      columns: [
        { title: 'PROJECT', pointer: '/project' },
        { title: 'PORT', pointer: '/port' },
        { title: 'NETWORK', pointer: '/network' },
        { title: 'MODE', pointer: '/mode' },
        { title: 'REQUESTS', pointer: '/requests' },
        { title: 'REFUSED', pointer: '/refused' },
        { title: 'STATUS', pointer: '/lastStatus' },
        { title: 'ERROR', pointer: '/lastError' },
        { title: 'CONNECTIONS', pointer: '/connections', wide: true },
        { title: 'AT', pointer: '/lastAt', wide: true },
      ],
    },
  },
];

export function listRequests(accounts: Iterable<Account>, { project, projects }: Pick<OperationCall, 'project' | 'projects'>): object[] {
  return [...accounts]
    .filter(({ guest }) => {
      const own = guest.port.metadata.project ?? '';
      return (project === '-' || own === project) && (projects === undefined || projects.includes(own));
    })
    .map((account) => ({
      project: account.guest.port.metadata.project,
      port: account.guest.port.metadata.name,
      network: account.guest.port.spec.network,
      mode: account.mode ?? '',
      connections: account.connections.size,
      requests: account.requests,
      refused: account.refused,
      lastStatus: account.lastStatus,
      lastError: account.lastError,
      lastAt: account.lastAt === 0 ? '' : new Date(account.lastAt).toISOString(),
    }));
}
