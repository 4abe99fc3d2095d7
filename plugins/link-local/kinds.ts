/** The kind of this plugin: schema, references and table columns. */
import type { KindSpec, WeftObject } from '@weft/kernel/contract/system';
import { type Static, Type } from 'typebox';

const closed = { additionalProperties: false } as const;
// Loose on purpose: admission reads the numbers, and says more about a wrong one than a pattern can.
const addressPattern = '^[0-9A-Fa-f.:]+$';

const upstream = Type.Object(
  {
    address: Type.String({
      description: 'Address of the server, or its name, which the host resolves.',
      pattern: '^[A-Za-z0-9.:_-]+$',
      maxLength: 253,
    }),
    port: Type.Integer({ description: 'Its port.', minimum: 1, maximum: 65_535 }),
  },
  closed,
);

const linkLocalServiceSpec = Type.Object(
  {
    address: Type.String({
      description: 'Address that VMs ask, such as 169.254.169.123 or fe80::a9fe:a97b: a unicast address outside of their subnets.',
      pattern: addressPattern,
      maxLength: 45,
    }),
    port: Type.Integer({ description: 'Port that VMs ask.', minimum: 1, maximum: 65_535 }),
    protocol: Type.Enum(['tcp', 'udp'], { description: 'Transport protocol, here and to the upstreams.', default: 'tcp' }),
    upstreams: Type.Array(upstream, {
      description: 'Servers that the appliance itself reaches. Each connection goes to one of those that answer, chosen at random.',
      minItems: 1,
      maxItems: 16,
    }),
    networks: Type.Optional(
      Type.Array(
        Type.String({
          description: 'A VirtualNetwork.',
          pattern: '^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?/)?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$',
          maxLength: 127,
        }),
        {
          description: 'Networks whose VMs may ask. Default: all of the project; all of every project when metadata.shared is true.',
          maxItems: 256,
        },
      ),
    ),
  },
  closed,
);

const linkLocalServiceStatus = Type.Object(
  {
    phase: Type.Optional(
      Type.Enum(['Active', 'Down'], {
        description: 'Active: an upstream answers, or nobody has asked yet. Down: none did when last asked, or no network is served.',
      }),
    ),
    reason: Type.Optional(Type.String({ description: 'Why it is down, or in which networks it is not served; empty when all is well.' })),
  },
  closed,
);

export type LinkLocalServiceSpec = Static<typeof linkLocalServiceSpec>;
export type LinkLocalService = WeftObject<LinkLocalServiceSpec, Static<typeof linkLocalServiceStatus>>;

export const linkLocalServiceKind: KindSpec = {
  kind: 'LinkLocalService',
  plural: 'link-local-services',
  aliases: ['lls'],
  scope: 'project',
  summary: 'A service of the outside at an address that every VM reaches, whatever its own address.',
  schemaVersion: 1,
  spec: linkLocalServiceSpec,
  status: linkLocalServiceStatus,
  references: [{ pointer: '/spec/networks/*', kind: 'VirtualNetwork' }],
  columns: [
    { title: 'ADDRESS', pointer: '/spec/address' },
    { title: 'PORT', pointer: '/spec/port' },
    { title: 'PROTOCOL', pointer: '/spec/protocol' },
    { title: 'PHASE', pointer: '/status/phase' },
    { title: 'REASON', pointer: '/status/reason' },
  ],
};
