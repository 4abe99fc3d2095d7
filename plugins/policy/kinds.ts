/** The kind of this plugin: schema, references and table columns. */
import { defaultGroup } from '@weft/kernel/contract/net';
import type { KindSpec, WeftObject } from '@weft/kernel/contract/system';
import { type Static, Type } from 'typebox';

const closed = { additionalProperties: false } as const;
/** As many as fit into the body of a request for one object (1 MiB). */
const mostRules = 10_000;

const remote = Type.Object(
  {
    cidr: Type.Optional(
      Type.String({
        description: 'A prefix with host bits zero, such as 10.1.0.0/24 or 2001:db8::/32. The rule is then about this IP version only.',
        pattern: '^[0-9A-Fa-f.:/]+$',
        maxLength: 49,
      }),
    ),
    group: Type.Optional(
      Type.String({
        description:
          'A SecurityGroup, or PROJECT/NAME of a shared one: the addresses that its ports have themselves, not those of others that a port passes packets of.',
        pattern: '^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?/)?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$',
        maxLength: 127,
      }),
    ),
  },
  {
    ...closed,
    description: 'The other end: the source of what comes in, the destination of what goes out. cidr or group. Default: anyone.',
  },
);

// Flat fields, not variants by protocol: an error then names the one field that is wrong.
const rule = Type.Object(
  {
    direction: Type.Enum(['ingress', 'egress'], {
      description: 'ingress: connections to the ports of the group. egress: connections from them. Answers always pass.',
    }),
    protocol: Type.Union([Type.Integer({ minimum: 1, maximum: 255 }), Type.String({ pattern: '^[A-Za-z0-9-]+$', maxLength: 16 })], {
      description:
        'any, or a name such as tcp, udp, icmp, icmpv6, sctp, or an IANA number. icmp is ICMP over IPv4 and ICMPv6 over IPv6; icmpv6 the latter alone.',
      default: 'any',
    }),
    ports: Type.Optional(
      Type.Union(
        [Type.Integer({ minimum: 1, maximum: 65_535 }), Type.String({ pattern: '^[0-9]{1,5}(?:[-,] ?[0-9]{1,5})*$', maxLength: 255 })],
        {
          description:
            'One destination port, such as 80, or one range, such as 80-443; with tcp, udp, udplite, sctp and dccp. Several: one rule for each. Default: all.',
        },
      ),
    ),
    icmpType: Type.Optional(
      Type.Integer({ description: 'Type of the message; with icmp and icmpv6. Default: all.', minimum: 0, maximum: 255 }),
    ),
    icmpCode: Type.Optional(Type.Integer({ description: 'Code of the message; with icmpType. Default: all.', minimum: 0, maximum: 255 })),
    remote: Type.Optional(remote),
    description: Type.Optional(Type.String({ description: 'What the rule is for.', maxLength: 255 })),
  },
  closed,
);

const securityGroupSpec = Type.Object(
  {
    description: Type.Optional(Type.String({ description: 'What the group is for.', maxLength: 255 })),
    rules: Type.Array(rule, {
      description: 'What is allowed; all else is dropped. The order has no meaning. An empty list allows nothing.',
      default: [],
      maxItems: mostRules,
    }),
  },
  closed,
);

const securityGroupStatus = Type.Object(
  {
    phase: Type.Optional(
      Type.Enum(['Active', 'Pending'], {
        description:
          'Active: the forwarder decides by these rules. Pending: the change is being programmed; until then the former ones hold.',
      }),
    ),
    id: Type.Integer({ description: 'Number of the group in rows of the forwarder.', minimum: 1, maximum: 0x7fff_ffff }),
    rules: Type.Optional(Type.Integer({ description: 'How many rules it has.' })),
  },
  closed,
);

export type SecurityRule = Static<typeof rule>;
export type SecurityGroup = WeftObject<Static<typeof securityGroupSpec>, Static<typeof securityGroupStatus>>;

export const securityGroupKind: KindSpec = {
  kind: 'SecurityGroup',
  plural: 'security-groups',
  aliases: ['sg'],
  scope: 'project',
  summary:
    'What the ports in it may send and what may reach them: stateful rules that allow. A port without a group follows the group default.',
  schemaVersion: 1,
  spec: securityGroupSpec,
  status: securityGroupStatus,
  references: [{ pointer: '/spec/rules/*/remote/group', kind: 'SecurityGroup' }],
  columns: [
    { title: 'RULES', pointer: '/status/rules' },
    { title: 'PHASE', pointer: '/status/phase' },
    { title: 'DESCRIPTION', pointer: '/spec/description' },
    { title: 'ID', pointer: '/status/id', wide: true },
  ],
  sharedFields: ['/spec/rules', '/spec/description'],
  implied: [defaultGroup],
};
