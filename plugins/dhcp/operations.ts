/** What operators can ask the plugin. */
import type { OperationSpec } from '@weft/kernel/contract/system';
import { Type } from 'typebox';

const lease = Type.Object({
  project: Type.String({ description: 'Project of the port' }),
  port: Type.String({ description: 'Name of the Port' }),
  network: Type.String({ description: 'Name of its VirtualNetwork' }),
  mac: Type.String({ description: 'MAC address of the client' }),
  address: Type.String({ description: 'IPv4 address that the port has; empty without one' }),
  hostname: Type.String({ description: 'As configured; empty without one' }),
  state: Type.Enum(['offered', 'acknowledged', 'refused', 'declined', 'released'], { description: 'What the last exchange came to' }),
  reason: Type.String({ description: 'Why the last message was refused or not answered; empty when all is well' }),
  at: Type.String({ description: 'When the last message came, ISO 8601' }),
  expiresAt: Type.String({ description: 'When the lease ends, ISO 8601; empty unless one runs' }),
  client: Type.String({ description: 'Vendor class that the client states (option 60)' }),
});

const counter = Type.Object({
  name: Type.String({ description: 'Type of reply, or why there was none' }),
  count: Type.Integer({ description: 'How often' }),
});

export const dhcpOperations: readonly OperationSpec[] = [
  {
    name: 'leases',
    summary: 'Show what was last said to the DHCP client behind each port of a project.',
    stream: false,
    viewer: true,
    input: Type.Object({}, { additionalProperties: false }),
    output: Type.Object({ items: Type.Array(lease, { description: 'One for each client that was heard of' }) }),
    bundle: true,
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
    output: Type.Object({ items: Type.Array(counter, { description: 'One for each type and cause that occurred' }) }),
    bundle: true,
  },
];
