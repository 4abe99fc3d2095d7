/** What operators can ask the plugin. */
import type { OperationSpec } from '@weft/kernel/contract/system';
import { Type } from 'typebox';

const lease = Type.Object({
  project: Type.String(),
  port: Type.String(),
  network: Type.String(),
  mac: Type.String(),
  address: Type.String(),
  hostname: Type.String({ description: 'As configured; empty without one' }),
  state: Type.Enum(['offered', 'acknowledged', 'refused', 'declined', 'released']),
  reason: Type.String({ description: 'Why the last message was refused or not answered; empty when all is well' }),
  at: Type.String({ description: 'When the last message came, ISO 8601' }),
  expiresAt: Type.String({ description: 'When the lease ends, ISO 8601; empty unless one runs' }),
  client: Type.String({ description: 'Vendor class that the client states (option 60)' }),
});

export const dhcpOperations: readonly OperationSpec[] = [
  {
    name: 'leases',
    summary: 'Show what was last said to the DHCP client behind each port of a project.',
    stream: false,
    input: Type.Object({}, { additionalProperties: false }),
    output: Type.Object({ items: Type.Array(lease) }),
    cli: {
      verb: 'leases',
      columns: [
        { title: 'PROJECT', pointer: '/project' },
        { title: 'PORT', pointer: '/port' },
        { title: 'NETWORK', pointer: '/network' },
        { title: 'MAC', pointer: '/mac' },
        { title: 'ADDRESS', pointer: '/address' },
        { title: 'HOSTNAME', pointer: '/hostname' },
        { title: 'STATE', pointer: '/state' },
        { title: 'EXPIRES', pointer: '/expiresAt' },
        { title: 'REASON', pointer: '/reason' },
        { title: 'AT', pointer: '/at', wide: true },
        { title: 'CLIENT', pointer: '/client', wide: true },
      ],
    },
  },
  {
    name: 'counters',
    summary: 'Count replies by type and unanswered messages by cause since the plugin started.',
    stream: false,
    input: Type.Object({}, { additionalProperties: false }),
    output: Type.Object({ items: Type.Array(Type.Object({ name: Type.String(), count: Type.Integer() })) }),
  },
];
