/** What operators can ask the plugin. */
import type { OperationSpec } from '@weft/kernel/contract/system';
import { Type } from 'typebox';

const lease = Type.Object({
  project: Type.String({ description: 'Project of the port' }),
  port: Type.String({ description: 'Name of the Port' }),
  network: Type.String({ description: 'Name of its VirtualNetwork' }),
  mac: Type.String({ description: 'MAC address of the client' }),
  family: Type.Enum([4, 6], { description: 'IP version of the protocol' }),
  address: Type.String({ description: 'Address that was given or refused; empty without one' }),
  hostname: Type.String({ description: 'As configured; empty without one' }),
  state: Type.Enum(['offered', 'acknowledged', 'refused', 'declined', 'released'], { description: 'What the last exchange came to' }),
  reason: Type.String({ description: 'Why the last message was refused or not answered; empty when all is well' }),
  at: Type.String({ description: 'When the last message came, ISO 8601' }),
  offeredAt: Type.String({ description: 'When it was offered last, ISO 8601; empty: never' }),
  acknowledgedAt: Type.String({ description: 'When it was acknowledged last, ISO 8601; empty: never' }),
  expiresAt: Type.String({ description: 'When the lease ends, ISO 8601; empty unless one runs' }),
  client: Type.String({ description: 'Vendor class that the client states (DHCPv4 option 60, DHCPv6 option 16)' }),
  clientId: Type.String({ description: 'DHCPv6: DUID and IAID; a port may have several clients' }),
  options: Type.Array(Type.Integer(), { description: 'Codes of the options that the last reply carried, in order' }),
  omitted: Type.Array(Type.Integer(), {
    description: 'Codes of the options that the client asked for and whose values did not fit its messages',
  }),
  messages: Type.Integer({ description: 'Messages of the client that came here' }),
  ignored: Type.Integer({ description: 'How many of them went unanswered' }),
  ignoredReason: Type.String({ description: 'Why the last of those went unanswered; empty: none did' }),
  rate: Type.Number({ description: 'Messages per second, over the last ten seconds' }),
});

const counter = Type.Object({
  protocol: Type.Enum(['dhcpv4', 'dhcpv6', 'ra'], { description: 'DHCPv4, DHCPv6, or router advertisements' }),
  name: Type.String({ description: 'Type of reply, or why there was none' }),
  count: Type.Integer({ description: 'How often' }),
});

export const dhcpOperations: readonly OperationSpec[] = [
  {
    name: 'leases',
    summary: 'Show what DHCP clients of a project were offered and acknowledged last, and why some got no answer.',
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
        { title: 'FAMILY', pointer: '/family' },
        { title: 'ADDRESS', pointer: '/address' },
        { title: 'HOSTNAME', pointer: '/hostname' },
        { title: 'STATE', pointer: '/state' },
        { title: 'EXPIRES', pointer: '/expiresAt' },
        { title: 'REASON', pointer: '/reason' },
        { title: 'AT', pointer: '/at', wide: true },
        { title: 'CLIENT', pointer: '/client', wide: true },
        { title: 'CLIENT-ID', pointer: '/clientId', wide: true },
        { title: 'OPTIONS', pointer: '/options', wide: true },
        { title: 'OMITTED', pointer: '/omitted', wide: true },
        { title: 'MESSAGES', pointer: '/messages', wide: true },
        { title: 'IGNORED', pointer: '/ignored', wide: true },
        { title: 'LAST-IGNORED', pointer: '/ignoredReason', wide: true },
        { title: 'RATE', pointer: '/rate', wide: true },
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
